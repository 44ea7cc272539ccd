//! The state machine, as a table: what each result does in each state.

use super::*;

const WAIT: Duration = Duration::from_secs(5);

fn accrual(failures: u32) -> (Accrual, Instant) {
    let config = FailureAccrualConfig {
        kind: AccrualKind::ConsecutiveFailures { failures },
        backoff: BackoffConfig::Constant { wait: WAIT },
    };
    let now = Instant::now();
    (Accrual::new(&config, now), now)
}

/// An endpoint in this state, and the time.
fn at(state: State) -> (Accrual, Instant) {
    let (accrual, now) = accrual(1);
    if state == State::Alive {
        return (accrual, now);
    }
    assert_eq!(accrual.finished(Outcome::Failure, now), Some(Change::Removed(WAIT)));
    let later = now + WAIT;
    match state {
        State::Alive | State::Dead(_) => return (accrual, now),
        State::ProbeOpen => {}
        State::ProbeClosed => assert_eq!(accrual.begin(later), Some(Change::Probing)),
    }
    (accrual, later)
}

#[test]
fn what_each_result_does_in_each_state() {
    use Outcome::{Failure, Ignored, Success};
    use State::{Alive, Dead, ProbeClosed, ProbeOpen};
    let table = [
        (Alive, Success, Alive, None),
        (Alive, Failure, Dead(WAIT), Some(Change::Removed(WAIT))),
        (Alive, Ignored, Alive, None),
        (Dead(WAIT), Success, Dead(WAIT), None),
        (Dead(WAIT), Failure, Dead(WAIT), None),
        (Dead(WAIT), Ignored, Dead(WAIT), None),
        (ProbeOpen, Success, ProbeOpen, None),
        (ProbeOpen, Failure, ProbeOpen, None),
        (ProbeOpen, Ignored, ProbeOpen, None),
        (ProbeClosed, Success, Alive, Some(Change::Revived)),
        (ProbeClosed, Failure, Dead(WAIT), Some(Change::StillDead(WAIT))),
        (ProbeClosed, Ignored, ProbeOpen, None),
    ];
    for (before, outcome, after, change) in table {
        let (accrual, now) = at(before);
        assert_eq!(accrual.state(now), before);
        assert_eq!(accrual.finished(outcome, now), change, "{before:?}, {outcome:?}");
        assert_eq!(accrual.state(now), after, "{before:?}, {outcome:?}");
    }
}

#[test]
fn what_a_request_does_that_begins_in_each_state() {
    use State::{Alive, Dead, ProbeClosed, ProbeOpen};
    for (before, after) in [
        (Alive, Alive),
        (Dead(WAIT), Dead(WAIT)),
        (ProbeOpen, ProbeClosed),
        (ProbeClosed, ProbeClosed),
    ] {
        let (accrual, now) = at(before);
        let probing = (before == ProbeOpen).then_some(Change::Probing);
        assert_eq!(accrual.begin(now), probing, "{before:?}");
        assert_eq!(accrual.state(now), after, "{before:?}");
        assert_eq!(accrual.is_open(now), matches!(after, Alive | ProbeOpen), "{after:?}");
    }
}

#[test]
fn a_success_in_between_starts_the_count_anew() {
    let (accrual, now) = accrual(3);
    for _ in 0..10 {
        accrual.finished(Outcome::Failure, now);
        accrual.finished(Outcome::Failure, now);
        accrual.finished(Outcome::Success, now);
    }
    assert_eq!((accrual.state(now), accrual.failures()), (State::Alive, 0));
    let changes: Vec<_> = (0..3).map(|_| accrual.finished(Outcome::Failure, now)).collect();
    assert_eq!(changes, [None, None, Some(Change::Removed(WAIT))]);
}

#[test]
fn waits_grow_until_the_endpoint_is_revived() {
    let now = Instant::now();
    let accrual = Accrual::new(&FailureAccrualConfig::default(), now);
    let mut later = now;
    let die = |later: &mut Instant| {
        let wait = (0..5).find_map(|_| match accrual.finished(Outcome::Failure, *later) {
            Some(Change::Removed(wait) | Change::StillDead(wait)) => Some(wait),
            _ => None,
        });
        let wait = wait.unwrap();
        // A millisecond is what the state is kept to.
        *later += wait + Duration::from_millis(1);
        assert_eq!(accrual.begin(*later), Some(Change::Probing));
        wait.as_secs_f64()
    };
    assert_eq!(die(&mut later), 5.0);
    assert!((5.0..10.0).contains(&die(&mut later)));
    assert!((10.0..20.0).contains(&die(&mut later)));
    assert_eq!(accrual.finished(Outcome::Success, later), Some(Change::Revived));
    assert_eq!(accrual.failures(), 0);
}

#[test]
fn a_policy_that_bears_a_failed_probe_lets_the_next_request_try() {
    let config = FailureAccrualConfig {
        kind: AccrualKind::SuccessRateWindowed {
            success_rate: 0.5,
            window: Duration::from_secs(1),
        },
        backoff: BackoffConfig::Constant { wait: Duration::from_mins(1) },
    };
    let now = Instant::now();
    let accrual = Accrual::new(&config, now);
    for tenth in 0..10 {
        accrual.finished(Outcome::Failure, now + Duration::from_millis(100 * tenth));
    }
    let dead = accrual.finished(Outcome::Failure, now + Duration::from_secs(1));
    assert_eq!(dead, Some(Change::Removed(Duration::from_mins(1))));
    let later = now + Duration::from_secs(62);
    assert_eq!(accrual.begin(later), Some(Change::Probing));
    assert_eq!(accrual.finished(Outcome::Failure, later), None, "one of late is too few");
    assert_eq!(accrual.state(later), State::ProbeOpen);
}

#[test]
fn with_none_nothing_counts() {
    let now = Instant::now();
    let config =
        FailureAccrualConfig { kind: AccrualKind::Never, ..FailureAccrualConfig::default() };
    let accrual = Accrual::new(&config, now);
    for _ in 0..100 {
        assert_eq!(accrual.finished(Outcome::Failure, now), None);
    }
    assert!(accrual.is_open(now));
}
