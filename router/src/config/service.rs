//! The `service` section of a router: how requests of one logical name are judged and retried.

use std::time::Duration;

use dtab::{Path, PathPattern};

use super::kinds::{BackoffConfig, ClassifierConfig};
use super::retry::BudgetConfig;

/// `service`: entries for logical names, later ones over earlier ones.
#[derive(Debug, Clone, Default)]
pub struct ServicesConfig {
    /// Each with the names that it holds for; `io.l5d.global` is one entry for all.
    pub entries: Vec<(PathPattern, ServiceEntry)>,
}

/// The keys of one entry that are given.
#[derive(Debug, Clone, Default)]
pub struct ServiceEntry {
    /// `totalTimeoutMs`
    pub total_timeout: Option<Duration>,
    /// `retries.budget`, replaced whole.
    pub budget: Option<BudgetConfig>,
    /// `retries.backoff`, replaced whole.
    pub backoff: Option<BackoffConfig>,
    /// `responseClassifier`
    pub classifier: Option<ClassifierConfig>,
}

/// What holds for one logical name.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceConfig {
    /// Limit of a request with all its retries; none unless given.
    pub total_timeout: Option<Duration>,
    /// How many retries there may be.
    pub budget: BudgetConfig,
    /// The waits between retries; none unless given.
    pub backoff: BackoffConfig,
    /// What counts as success, and what may be tried again.
    pub classifier: ClassifierConfig,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            total_timeout: None,
            budget: BudgetConfig::default(),
            backoff: BackoffConfig::Constant { wait: Duration::ZERO },
            classifier: ClassifierConfig::NonRetryable5xx,
        }
    }
}

impl ServicesConfig {
    /// What holds for a logical name.
    pub fn of(&self, name: &Path) -> ServiceConfig {
        let mut config = ServiceConfig::default();
        for (pattern, entry) in &self.entries {
            if !matches!(pattern.extract(name), Ok(Some(_))) {
                continue;
            }
            config.total_timeout = entry.total_timeout.or(config.total_timeout);
            config.budget = entry.budget.unwrap_or(config.budget);
            config.backoff = entry.backoff.unwrap_or(config.backoff);
            config.classifier = entry.classifier.unwrap_or(config.classifier);
        }
        config
    }
}
