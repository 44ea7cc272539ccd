//! Retry budgets: Finagle's token bucket whose tokens expire.
//!
//! A request deposits 1000 tokens, a retry takes `floor(1000 / percentCanRetry)`. A reserve of
//! `minRetriesPerSec × ttlSecs` retries is always there. Deposits and withdrawals both count for
//! `ttlSecs`, in ten slices, so what has been taken from the reserve comes back within that time
//! (Finagle 21.4, `RetryBudget.TokenRetryBudget`).
//!
//! A budget is shared by all workers: each deposits into a ledger that only it writes, which costs a
//! request one store; who wants to withdraw adds the ledgers up.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config::BudgetConfig;

/// What one request deposits.
const DEPOSIT: i64 = 1000;
/// Slices that the time to live is divided into.
const SLICES: usize = 10;

/// A budget, as all workers share it.
#[derive(Debug)]
pub(crate) struct Budget {
    began: Instant,
    slice: Duration,
    deposit: i64,
    withdrawal: i64,
    reserve: i64,
    ledgers: Mutex<Vec<Arc<Ledger>>>,
}

/// What one worker has deposited and withdrawn lately. Written by that worker alone.
#[derive(Debug, Default)]
struct Ledger {
    slices: [Slice; SLICES],
}

#[derive(Debug, Default)]
struct Slice {
    /// Which slice of time this is, counted from 1; 0 while unused.
    number: AtomicU64,
    balance: AtomicI64,
}

/// One worker's part of a budget.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Arc<Budget>,
    ledger: Arc<Ledger>,
}

impl Budget {
    pub(crate) fn new(config: BudgetConfig) -> Arc<Self> {
        let BudgetConfig { min_retries_per_sec, percent_can_retry, ttl } = config;
        let ttl = ttl.max(Duration::from_millis(SLICES as u64));
        let (deposit, withdrawal) = if percent_can_retry > 0.0 {
            (DEPOSIT, ((DEPOSIT as f64 / percent_can_retry) as i64).max(1))
        } else {
            (0, 1)
        };
        let reserve = (f64::from(min_retries_per_sec) * ttl.as_secs_f64()) as i64 * withdrawal;
        Arc::new(Budget {
            began: Instant::now(),
            slice: ttl / SLICES as u32,
            deposit,
            withdrawal,
            reserve,
            ledgers: Mutex::default(),
        })
    }

    /// One worker's way to deposit and withdraw.
    pub(crate) fn open(self: &Arc<Self>) -> Account {
        let ledger = Arc::<Ledger>::default();
        self.ledgers().push(ledger.clone());
        Account { budget: self.clone(), ledger }
    }

    /// The retries that are left.
    pub(crate) fn balance(&self) -> u64 {
        let now = self.number(Instant::now());
        u64::try_from(self.count(&self.ledgers(), now) / self.withdrawal).unwrap_or(0)
    }

    fn ledgers(&self) -> MutexGuard<'_, Vec<Arc<Ledger>>> {
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slice of time that `now` is in, counted from 1.
    fn number(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began).as_nanos() as u64;
        since / self.slice.as_nanos() as u64 + 1
    }

    fn count(&self, ledgers: &[Arc<Ledger>], now: u64) -> i64 {
        let balances = ledgers.iter().map(|ledger| ledger.balance(now));
        balances.fold(self.reserve, i64::saturating_add)
    }
}

impl Ledger {
    fn add(&self, now: u64, amount: i64) {
        let slice = &self.slices[now as usize % SLICES];
        let before =
            if slice.number.load(Relaxed) == now { slice.balance.load(Relaxed) } else { 0 };
        slice.balance.store(before.saturating_add(amount), Relaxed);
        slice.number.store(now, Relaxed);
    }

    /// A reader on another thread may see a slice while it is being begun anew; the balance is then
    /// off by what it held before, for an instant.
    fn balance(&self, now: u64) -> i64 {
        let live = |slice: &&Slice| {
            let number = slice.number.load(Relaxed);
            number != 0 && number + SLICES as u64 > now
        };
        self.slices.iter().filter(live).map(|slice| slice.balance.load(Relaxed)).sum()
    }
}

impl Account {
    /// A request was made at `now`.
    pub(crate) fn deposit(&self, now: Instant) {
        if self.budget.deposit > 0 {
            self.ledger.add(self.budget.number(now), self.budget.deposit);
        }
    }

    /// Takes one retry; whether there was one.
    pub(crate) fn withdraw(&self, now: Instant) -> bool {
        let budget = &self.budget;
        let now = budget.number(now);
        // Held, so that two workers cannot both take the last one. Only retries come here.
        let ledgers = budget.ledgers();
        let enough = budget.count(&ledgers, now) >= budget.withdrawal;
        if enough {
            self.ledger.add(now, -budget.withdrawal);
        }
        enough
    }

    /// The retries that are left.
    pub(crate) fn balance(&self) -> u64 {
        self.budget.balance()
    }

    /// The budget that this is a part of.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.budget.ledgers().retain(|ledger| !Arc::ptr_eq(ledger, &self.ledger));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(min_retries_per_sec: u32, percent_can_retry: f64, ttl: u64) -> Arc<Budget> {
        let ttl = Duration::from_secs(ttl);
        Budget::new(BudgetConfig { min_retries_per_sec, percent_can_retry, ttl })
    }

    fn take_all(account: &Account, now: Instant) -> usize {
        (0..100_000).take_while(|_| account.withdraw(now)).count()
    }

    #[test]
    fn by_default_a_hundred_retries_are_there_from_the_start() {
        let account = Budget::new(BudgetConfig::default()).open();
        assert_eq!(account.balance(), 100);
        assert_eq!(take_all(&account, account.budget.began), 100);
    }

    #[test]
    fn every_second_request_earns_a_retry_at_a_half() {
        let account = budget(0, 0.5, 10).open();
        let now = account.budget.began;
        assert!(!account.withdraw(now));
        account.deposit(now);
        assert!(!account.withdraw(now));
        account.deposit(now);
        assert!(account.withdraw(now) && !account.withdraw(now));
    }

    #[test]
    fn a_ratio_above_one_gives_more_retries_than_requests() {
        let account = budget(0, 2.5, 10).open();
        let now = account.budget.began;
        (0..4).for_each(|_| account.deposit(now));
        assert_eq!(take_all(&account, now), 10);
    }

    #[test]
    fn two_zeros_are_never() {
        let account = budget(0, 0.0, 10).open();
        let now = account.budget.began;
        (0..1000).for_each(|_| account.deposit(now));
        assert!(!account.withdraw(now));
    }

    #[test]
    fn the_reserve_needs_no_requests_and_comes_back() {
        let account = budget(2, 0.0, 10).open();
        let began = account.budget.began;
        assert_eq!(take_all(&account, began), 20);
        let later = began + Duration::from_secs(9);
        assert_eq!(take_all(&account, later), 0);
        assert_eq!(take_all(&account, began + Duration::from_secs(11)), 20);
    }

    #[test]
    fn deposits_expire() {
        let account = budget(0, 1.0, 10).open();
        let began = account.budget.began;
        account.deposit(began);
        assert!(!account.withdraw(began + Duration::from_secs(10)));
        account.deposit(began + Duration::from_secs(10));
        assert!(account.withdraw(began + Duration::from_secs(19)));
    }

    #[test]
    fn workers_share_what_is_left() {
        let budget = budget(1, 0.2, 10);
        let (one, other) = (budget.open(), budget.open());
        (0..5).for_each(|_| other.deposit(budget.began));
        assert_eq!(take_all(&one, budget.began), 11);
        assert!(!other.withdraw(budget.began));
    }

    proptest! {
        /// However requests and retries come, retries stay within the reserve and their share.
        #[test]
        fn retries_stay_within_their_share(
            percent in 0.01_f64..3.0,
            min in 0_u32..5,
            steps in prop::collection::vec((any::<bool>(), 0_u64..400), 1..400),
        ) {
            let account = budget(min, percent, 10).open();
            let mut now = account.budget.began;
            let (mut requests, mut retries) = (0_u32, 0_u32);
            for (is_request, wait) in steps {
                now += Duration::from_millis(wait);
                if is_request {
                    account.deposit(now);
                    requests += 1;
                } else if account.withdraw(now) {
                    retries += 1;
                }
            }
            let seconds = (now - account.budget.began).as_secs_f64();
            // Floor of the withdrawal may favour retries by less than one part in W.
            let share = 1.0 / (1000.0_f64 / percent).floor() * 1000.0;
            let reserve = f64::from(min) * 10.0 * (1.0 + seconds / 9.0);
            prop_assert!(f64::from(retries) <= f64::from(requests) * share + reserve + 1e-9);
        }
    }
}
