//! Who may do and see what.

use super::{AccessMode, Rate, TokenRule, Tokens};
use netweave_model::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an identity may do; several add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything but reading credentials and the audit log.
    Admin,
    /// Reads the inventory.
    Reader,
    /// Has subscriptions of its own.
    Subscriber,
    /// Reads the inventory, sees the state of the sources, and has them read anew.
    Maintainer,
    /// Reads the inventory, and provisions where provisioning is served.
    Provisioner,
    /// Reads the inventory with the credentials of deployment managers.
    Deployer,
    /// Reads the audit log.
    Auditor,
}

/// Which kind of system a client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Client {
    /// A service management and orchestration system; without `roles` a reader and subscriber.
    #[default]
    Smo,
    /// A deployment management system; without `roles` a reader and deployer.
    Dms,
}

section! {
    /// Who may do and see what. What may not be done is answered 403, what may not be seen 404.
    Access {
        /// What a client must show: `mtls` (a certificate), `mtls+token` (a bearer token too), or in `dev` `token`.
        mode: AccessMode = AccessMode::Certificate,
        /// Bearer tokens, in the modes that ask for them.
        tokens: Tokens = Tokens::default(),
        /// SPIFFE trust domains whose identities are accepted; every one if there is none here. Identities that are no URI
        /// are not touched.
        #[schemars(example = &["smo.example.net"])]
        trust_domains: Vec<String> = Vec::new(),
        /// Tenants with bounds of their own, beside those of their identities.
        #[schemars(length(max = 1000), example = serde_json::json!([{ "name": "operator-a", "rate": { "rate": 200, "burst": 400 }, "subscriptions": 50 }]))]
        tenants: Vec<TenantConf> = Vec::new(),
        /// What identities get; the first rule that matches counts.
        #[schemars(length(max = 1000), example = serde_json::json!([{ "match": "spiffe://smo.example.net/*", "roles": ["reader", "subscriber"] }]))]
        rules: Vec<Rule> = Vec::new(),
        /// The roles of identities that no rule matches; none refuses them everything but `/netweave/v1/self`.
        others: Vec<Role> = vec![Role::Reader, Role::Subscriber],
    }
}

section! {
    /// What identities with certain names get.
    Rule {
        /// The identity's name: URI, DNS name or common name of the certificate, in this order, or `token:ISSUER#SUBJECT` in mode `token`. `*` stands for any text.
        r#match: String = String::new(),
        /// What the request's token must say; without it, any token fits, and none.
        token: Option<TokenRule> = None,
        /// Which kind of system it is: `smo` or `dms`.
        client: Client = Client::Smo,
        /// The tenant that it acts for.
        #[schemars(length(max = 255))]
        tenant: Option<String> = None,
        /// What it may do; those of `client` if there is none here.
        roles: Vec<Role> = Vec::new(),
        /// What it may see.
        scope: ScopeConf = ScopeConf::default(),
        /// Its requests per second; those of `limits.perIdentity` if left out.
        rate: Option<Rate> = None,
        /// Its subscriptions; those of `subscriptions.perOwner` if left out.
        #[schemars(range(max = 1_000_000))]
        subscriptions: Option<u64> = None,
    }
}

section! {
    /// What all identities that act for a tenant may use together, in one process; what is left out has no bound of its own.
    TenantConf {
        /// The tenant, as rules name it.
        #[schemars(length(min = 1, max = 255))]
        name: String = String::new(),
        /// Its requests per second.
        rate: Option<Rate> = None,
        /// Its requests being answered at the same time.
        #[schemars(range(min = 1, max = 100_000))]
        in_flight: Option<usize> = None,
        /// Its subscriptions, in all processes.
        #[schemars(range(max = 10_000_000))]
        subscriptions: Option<u64> = None,
        /// Its notifications being sent at the same time.
        #[schemars(range(min = 1, max = 4_096))]
        notifications: Option<usize> = None,
    }
}

section! {
    /// What may be seen: an object must satisfy each of the lists that is there.
    ScopeConf {
        /// Collections, such as `resourcePools`.
        #[schemars(with = "Option<Vec<CollectionName>>")]
        collections: Option<Vec<Collection>> = None,
        /// Backends, by name.
        sources: Option<Vec<String>> = None,
        /// Identifiers of resource pools; narrows pools, their resources, and the lists of pools in other objects.
        pools: Option<Vec<String>> = None,
    }
}

/// A collection of the interface, by its path segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Collection(pub Kind);

impl TryFrom<String> for Collection {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|()| {
            let names: Vec<_> =
                Kind::ALL.into_iter().map(|kind| format!("`{}`", kind.collection())).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

impl From<Collection> for String {
    fn from(collection: Collection) -> Self {
        collection.0.collection().to_owned()
    }
}

/// The spelling of [`Collection`], for the schema; the domain knows no schemas.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", rename = "Collection", description = "A collection of the interface.")]
#[expect(dead_code, reason = "only its schema is used")]
enum CollectionName {
    /// Locations.
    Locations,
    /// O-Cloud sites.
    OCloudSites,
    /// Resource types.
    ResourceTypes,
    /// Resource pools.
    ResourcePools,
    /// The resources of the pools.
    Resources,
    /// Deployment managers.
    DeploymentManagers,
    /// Alarm dictionaries.
    AlarmDictionaries,
    /// Performance dictionaries.
    PerformanceDictionaries,
}
