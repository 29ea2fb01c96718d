//! The caller and the sources, as the gateway sees them.

use super::NetweaveRoutes;
use crate::access::Tenant;
use crate::conf::tree::{Client, Role, ScopeConf};
use crate::reply::Reply;
use crate::routes::Call;
use crate::routes::subscriptions::represent::json;
use crate::token;
use http::StatusCode;
use netweave_model::{ErrorKind, Kind, Result, SourceName, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Caller<'a> {
    name: &'a str,
    field: &'static str,
    common_name: Option<&'a str>,
    fingerprint: Option<&'a str>,
    not_after: String,
    certificate_days_left: Option<u64>,
    client: Client,
    tenant: Option<&'a str>,
    roles: &'a [Role],
    scope: &'a ScopeConf,
    limits: Bounds,
    subscriptions: Used,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_limits: Option<TenantUse>,
    token: Option<Token<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Token<'a> {
    issuer: &'a str,
    subject: Option<&'a str>,
    client: Option<&'a str>,
    scopes: Vec<&'a str>,
    expires_at: String,
    bound: bool,
}

impl<'a> Token<'a> {
    fn of(token: &'a token::Token) -> Self {
        Self {
            issuer: &token.issuer,
            subject: token.subject.as_deref(),
            client: token.client.as_deref(),
            scopes: token.scopes.iter().map(String::as_str).collect(),
            expires_at: token.expires.to_string(),
            bound: token.bound,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bounds {
    requests_per_second: u32,
    burst: u32,
    in_flight: usize,
    body_bytes: u64,
    url_bytes: u64,
    filter_depth: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Used {
    used: u64,
    allowed: u64,
}

/// What all identities of the tenant may use together; what is absent has no bound.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantUse {
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriptions: Option<Used>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    name: SourceName,
    backend: &'static str,
    live: bool,
    seen_at: Option<String>,
    age_seconds: Option<u64>,
    failure: Option<Failure>,
    objects: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    at: String,
    kind: &'static str,
}

impl NetweaveRoutes {
    pub(super) async fn caller(&self, call: &Call<'_>) -> Result<Reply> {
        let (identity, grant) = (call.identity, call.grant);
        let (limits, desk) = (&self.parts.limits, &self.parts.desk);
        let certified = !identity.fingerprint.is_empty();
        let left = identity.not_after.since(desk.parts().clock.now());
        let body = Caller {
            name: &identity.name,
            field: identity.field.word(),
            common_name: identity.common_name.as_deref(),
            fingerprint: certified.then_some(&identity.fingerprint),
            not_after: identity.not_after.to_string(),
            certificate_days_left: certified.then_some(left.as_secs() / Duration::from_hours(24).as_secs()),
            client: grant.client,
            tenant: grant.tenant.as_ref().map(|tenant| tenant.name.as_str()),
            roles: &grant.roles,
            scope: &grant.visible,
            limits: Bounds {
                requests_per_second: grant.rate.rate,
                burst: grant.rate.burst,
                in_flight: limits.in_flight_per_identity,
                body_bytes: limits.body.0,
                url_bytes: limits.url.0,
                filter_depth: limits.filter_depth,
            },
            subscriptions: Used {
                used: desk.quotas().of_owner(desk, &identity.name).await?,
                allowed: grant.subscriptions,
            },
            tenant_limits: match &grant.tenant {
                Some(tenant) => self.tenant_use(tenant).await?,
                None => None,
            },
            token: call.token.map(Token::of),
        };
        Ok(Reply::json(StatusCode::OK, json(&body)?))
    }

    async fn tenant_use(&self, tenant: &Tenant) -> Result<Option<TenantUse>> {
        let (desk, rate) = (&self.parts.desk, tenant.rate.as_ref());
        let subscriptions = match tenant.subscriptions {
            Some(allowed) => Some(Used { used: desk.quotas().of_tenant(desk, tenant).await?, allowed }),
            None => None,
        };
        let bounded = *tenant != Tenant { name: tenant.name.clone(), ..Tenant::default() };
        Ok(bounded.then_some(TenantUse {
            requests_per_second: rate.map(|rate| rate.rate),
            burst: rate.map(|rate| rate.burst),
            in_flight: tenant.in_flight,
            notifications: tenant.notifications,
            subscriptions,
        }))
    }

    pub(super) fn sources(&self, call: &Call<'_>) -> Result<Reply> {
        let now = self.parts.desk.parts().clock.now();
        let views = self.parts.catalog.views();
        let shown: Vec<Source> = self
            .parts
            .sources
            .all()
            .iter()
            .filter(|(name, _)| call.grant.scope.covers_source(name))
            .map(|(name, state)| Source {
                name: name.clone(),
                backend: state.backend,
                live: state.live,
                seen_at: state.seen_at.map(|at| at.to_string()),
                age_seconds: state.seen_at.map(|at| now.since(at).as_secs()),
                failure: state.failure.map(failure),
                objects: Kind::ALL
                    .into_iter()
                    .filter_map(|kind| Some((kind.collection(), views.view(name, kind)?.len())))
                    .filter(|(_, count)| *count > 0)
                    .collect(),
            })
            .collect();
        Ok(Reply::json(StatusCode::OK, json(&shown)?))
    }
}

/// Shows a failure without the words of the backend, which only the log may hold.
fn failure((at, kind): (Timestamp, ErrorKind)) -> Failure {
    let kind = match kind {
        ErrorKind::Invalid => "invalid",
        ErrorKind::Unauthenticated => "unauthenticated",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::NotFound => "notFound",
        ErrorKind::Conflict => "conflict",
        ErrorKind::PreconditionFailed => "preconditionFailed",
        ErrorKind::TooLarge => "tooLarge",
        ErrorKind::RateLimited => "rateLimited",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Internal => "internal",
    };
    Failure { at: at.to_string(), kind }
}
