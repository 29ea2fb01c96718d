//! Outbound HTTP in one home: TLS from the full provider, the callback guard against SSRF, the client of infrastructures'
//! APIs, and bounds on every answer.

mod address;
mod allow;
mod api;
mod client;
mod destinations;
mod domain;
mod guard;
mod origin;
mod outbound;
mod resolve;
mod settings;
mod tls;
mod token;

pub use api::{Api, ApiAnswer, ApiSettings};
pub use destinations::Destinations;
pub use domain::DomainSettings;
pub use guard::{Checked, Guard, MAX_URL, NewPolicy};
pub use origin::origin;
pub use outbound::{Answer, Exchange, FORBIDDEN_ADDRESS, Outbound};
pub use resolve::{Resolver, System};
pub use settings::Settings;
pub use token::{NO_TOKEN, OAuth2Settings, SecretSource, TokenCalls};
