//! `aperture`: p2c over as few endpoints as keep their load within a band.
//!
//! Finagle's `ApertureLoadBand` without deterministic ordering: the endpoints have a random order,
//! of which the first so many are in use. Every request that begins or ends moves an average of the
//! requests in flight; if one endpoint's part of it leaves the band, the aperture gets one endpoint
//! wider or narrower.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::p2c::{better_of_two, least_loaded};
use super::stats::ApertureStats;
use super::{Node, Nodes, Pick, Status};
use crate::config::kinds::BalancerKind;
use crate::telemetry::Level;

/// The balancer.
pub(super) struct Aperture {
    band: Option<Rc<LoadBand>>,
    /// Places of nodes: open ones first, then by their tokens.
    order: RefCell<Vec<usize>>,
}

impl Aperture {
    pub(super) fn new(nodes: &[Rc<Node>], band: Option<Rc<LoadBand>>, now: Instant) -> Self {
        let aperture = Aperture { band, order: RefCell::new((0..nodes.len()).collect()) };
        aperture.sort(nodes, now);
        if let Some(band) = &aperture.band {
            band.resize(nodes.len());
        }
        aperture
    }

    fn sort(&self, nodes: &[Rc<Node>], now: Instant) {
        let mut order = self.order.borrow_mut();
        order.sort_by_cached_key(|&at| (nodes[at].status(now) != Status::Open, nodes[at].token));
    }
}

impl Pick for Aperture {
    fn pick(&self, nodes: &Nodes<'_>) -> usize {
        let order = self.order.borrow();
        let width = self.band.as_ref().map_or(order.len(), |band| band.width()).min(order.len());
        if width < 2 {
            return order[0];
        }
        better_of_two(nodes, width, |place| order[place], least_loaded)
    }

    fn rebuild(&self, nodes: &Nodes<'_>) -> bool {
        self.sort(nodes.all, nodes.now);
        true
    }
}

/// How wide an aperture is, and the load that decides it.
pub(super) struct LoadBand {
    low: f64,
    high: f64,
    min: usize,
    /// Nanoseconds.
    window: f64,
    /// Endpoints that there are.
    size: Cell<usize>,
    width: Cell<usize>,
    pending: Cell<u32>,
    /// The average, as bits: read by others.
    average: Arc<AtomicU64>,
    observed: Cell<Option<Instant>>,
    stats: Rc<ApertureStats>,
    shown: [Level; 2],
}

impl LoadBand {
    /// None unless this is an aperture.
    pub(super) fn new(kind: BalancerKind, stats: Option<&Rc<ApertureStats>>) -> Option<Self> {
        let BalancerKind::Aperture { smooth_window, low_load, high_load, min_aperture, .. } = kind
        else {
            return None;
        };
        let stats = stats?.clone();
        let min = (min_aperture as usize).max(1);
        Some(LoadBand {
            low: low_load,
            high: high_load,
            min,
            window: (smooth_window.as_nanos() as f64).max(1.0),
            size: Cell::new(0),
            width: Cell::new(min),
            pending: Cell::new(0),
            average: stats.load(),
            observed: Cell::new(None),
            shown: stats.widths(),
            stats,
        })
    }

    fn width(&self) -> usize {
        self.width.get()
    }

    /// There are so many endpoints now.
    fn resize(&self, size: usize) {
        self.size.set(size);
        self.set_width(self.width());
    }

    fn set_width(&self, width: usize) {
        let width = width.min(self.size.get()).max(self.min.min(self.size.get()));
        self.width.set(width);
        let shown = i64::try_from(width).unwrap_or(i64::MAX);
        self.shown.iter().for_each(|level| level.set(shown));
    }

    /// A request has begun (1) or ended (-1).
    pub(super) fn changed(&self, by: i32, now: Instant) {
        self.pending.set(self.pending.get().saturating_add_signed(by));
        let value = f64::from(self.pending.get());
        let average = match self.observed.get() {
            None => value,
            Some(observed) => {
                let passed = now.saturating_duration_since(observed).as_nanos() as f64;
                let keep = (-passed / self.window).exp();
                f64::from_bits(self.average.load(Relaxed)) * keep + value * (1.0 - keep)
            }
        };
        self.observed.set(Some(now));
        self.average.store(average.to_bits(), Relaxed);
        let (width, size) = (self.width(), self.size.get());
        let load = average / width.max(1) as f64;
        if load >= self.high && width < size {
            self.stats.widen.incr();
            self.set_width(width + 1);
        } else if load <= self.low && width > self.min {
            self.stats.narrow.incr();
            self.set_width(width - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::health::HealthTable;
    use crate::config::ClientConfig;
    use crate::telemetry::Metrics;

    fn band(size: usize) -> LoadBand {
        let kind = BalancerKind::Aperture {
            smooth_window: Duration::from_secs(5),
            max_effort: 5,
            low_load: 0.5,
            high_load: 2.0,
            min_aperture: 1,
        };
        let id = "/#/io.l5d.fs/web".parse().unwrap();
        let health = HealthTable::new().client("http", &id, &ClientConfig::default());
        let stats = Rc::new(ApertureStats::new(&Metrics::new().scope(&[]), &health));
        let band = LoadBand::new(kind, Some(&stats)).unwrap();
        band.resize(size);
        band
    }

    #[test]
    fn it_widens_under_load_and_narrows_without() {
        let (band, start) = (band(10), Instant::now());
        (0..12).for_each(|_| band.changed(1, start));
        assert_eq!(band.width(), 1, "no time has passed");
        // Eleven or twelve in flight.
        let mut now = start;
        for _ in 0..400 {
            now += Duration::from_millis(50);
            band.changed(-1, now);
            band.changed(1, now);
        }
        assert!((5..=6).contains(&band.width()), "{}", band.width());
        (0..12).for_each(|_| band.changed(-1, now));
        for _ in 0..400 {
            now += Duration::from_millis(50);
            band.changed(1, now);
            now += Duration::from_millis(50);
            band.changed(-1, now);
        }
        assert_eq!(band.width(), 1);
    }

    #[test]
    fn it_is_never_wider_than_there_are_endpoints() {
        let (band, start) = (band(3), Instant::now());
        for second in 0..100 {
            band.changed(1, start + Duration::from_secs(second));
        }
        assert_eq!(band.width(), 3);
        band.resize(2);
        assert_eq!(band.width(), 2);
    }

    #[test]
    fn the_first_observation_is_the_average() {
        let (band, start) = (band(3), Instant::now());
        band.changed(1, start);
        assert_eq!(f64::from_bits(band.average.load(Relaxed)), 1.0);
        band.changed(1, start + Duration::from_secs(5));
        let average = f64::from_bits(band.average.load(Relaxed));
        assert!((average - (2.0 - (-1.0_f64).exp())).abs() < 1e-12, "{average}");
    }
}
