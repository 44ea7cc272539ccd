//! The `client` and `service` sections of a router: how backends are spoken to.

use super::kinds::{
    BALANCERS, CLASSIFIERS, FAILURE_ACCRUALS, LoadBalancerConfig, REQUEST_AUTHORIZERS,
};
use super::not_built::Section;
use super::reader::Object;

/// `client`: what holds for every bound name of a router.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientConfig {
    /// How an address is picked.
    pub load_balancer: LoadBalancerConfig,
}

pub(super) fn read_global(object: &mut Object<'_>) -> Option<ClientConfig> {
    let load_balancer =
        object.optional("loadBalancer", |field| BALANCERS.read(field)).unwrap_or_default();
    object.optional("failureAccrual", |field| FAILURE_ACCRUALS.read(field));
    object.optional("requestAuthorizers", |field| {
        field.list("request authorizers", |item| REQUEST_AUTHORIZERS.read(item))
    });
    object.refuse_not_built(Section::Client);
    Some(ClientConfig { load_balancer })
}

/// Nothing of `service` is built that could be set; what is accepted is what happens anyway.
pub(super) fn read_global_service(object: &mut Object<'_>) -> Option<()> {
    object.optional("responseClassifier", |field| CLASSIFIERS.read(field));
    object.refuse_not_built(Section::Service);
    Some(())
}
