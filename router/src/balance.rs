//! Balancers: which endpoint of a client gets a request.

mod p2c;

use std::rc::Rc;

use crate::client::endpoint::Endpoint;
use crate::entropy;

pub(crate) use self::p2c::P2c;

/// The endpoints of a client, ready to be drawn from. Made anew when addresses change.
#[derive(Default)]
pub(crate) struct Set {
    endpoints: Vec<Rc<Endpoint>>,
    /// Sums of the weights up to each endpoint; none if all weights are equal.
    sums: Option<Vec<f64>>,
}

impl Set {
    pub(crate) fn new(endpoints: Vec<Rc<Endpoint>>) -> Self {
        let even = endpoints.iter().all(|endpoint| endpoint.weight == endpoints[0].weight);
        let sums = (!even).then(|| {
            let add = |sum: &mut f64, endpoint: &Rc<Endpoint>| {
                // A source may say anything, a negative weight, too.
                *sum += endpoint.weight.max(0.0);
                Some(*sum)
            };
            endpoints.iter().scan(0.0, add).collect()
        });
        Set { endpoints, sums }
    }

    pub(crate) fn endpoints(&self) -> &[Rc<Endpoint>] {
        &self.endpoints
    }

    /// The place of an endpoint drawn by weight; there must be one.
    fn draw(&self) -> usize {
        let count = self.endpoints.len();
        match &self.sums {
            None => (entropy::next_u64() % count as u64) as usize,
            Some(sums) => {
                let point = entropy::next_unit() * sums[count - 1];
                sums.partition_point(|&sum| sum <= point).min(count - 1)
            }
        }
    }
}

/// A balancer.
pub(crate) trait Pick {
    /// One of the endpoints, if there is any. `failed` has just been tried in vain: another one is
    /// better. A worker picks for its own requests and needs no lock.
    fn pick(&self, set: &Set, failed: Option<&Rc<Endpoint>>) -> Option<Rc<Endpoint>>;
}
