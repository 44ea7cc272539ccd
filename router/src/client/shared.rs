//! What the workers share of the clients of one router.

use std::net::SocketAddr;
use std::sync::Arc;

use dtab::Path;
use tokio::sync::Semaphore;

use super::health::{ClientHealth, HealthTable};
use super::pool::PoolLimit;
use crate::config::{BudgetConfig, ClientConfig, PoolConfig};
use crate::retry::budget::{Account, Budget};
use crate::weak_table::WeakTable;

/// Budgets, limits and health, by bound name.
#[derive(Debug)]
pub(crate) struct SharedClients {
    /// The label of the router.
    router: String,
    health: Arc<HealthTable>,
    requeues: WeakTable<Path, Budget>,
    in_flight: WeakTable<Path, Semaphore>,
    pools: WeakTable<(Path, SocketAddr), PoolLimit>,
}

impl SharedClients {
    /// Those of the router of this label. `health` is shared by all routers.
    pub(crate) fn new(router: &str, health: Arc<HealthTable>) -> Arc<Self> {
        Arc::new(SharedClients {
            router: router.to_owned(),
            health,
            requeues: WeakTable::default(),
            in_flight: WeakTable::default(),
            pools: WeakTable::default(),
        })
    }

    /// What is known of the endpoints of a client.
    pub(super) fn health(&self, id: &Path, config: &ClientConfig) -> Arc<ClientHealth> {
        self.health.client(&self.router, id, config)
    }

    /// A worker's account in the requeue budget of a client.
    pub(super) fn requeues(&self, id: &Path, config: BudgetConfig) -> Account {
        self.requeues.get_or(id.clone(), || Budget::new(config)).open()
    }

    /// What counts the requests to a client that are under way (`maxInFlight`).
    pub(super) fn in_flight(&self, id: &Path, limit: u32) -> Arc<Semaphore> {
        self.in_flight.get_or(id.clone(), || Arc::new(Semaphore::new(limit as usize)))
    }

    /// The limit of connections to one endpoint of a client, if there is one.
    pub(super) fn pool_limit(
        &self,
        id: &Path,
        address: SocketAddr,
        config: &PoolConfig,
    ) -> Option<Arc<PoolLimit>> {
        let limit = PoolLimit::of(config)?;
        Some(self.pools.get_or((id.clone(), address), || limit))
    }
}
