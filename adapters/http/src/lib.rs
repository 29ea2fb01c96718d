//! Outbound HTTP in one home: TLS from the full provider, the callback guard against SSRF, the client of infrastructures'
//! APIs, and bounds on every answer.

mod address;
mod allow;
mod api;
mod client;
mod guard;
mod origin;
mod outbound;
mod resolve;
mod settings;
mod tls;

pub use api::{Api, ApiAnswer, ApiSettings};
pub use guard::{Checked, Guard, MAX_URL};
pub use origin::origin;
pub use outbound::{Answer, FORBIDDEN_ADDRESS, Outbound};
pub use resolve::{Resolver, System};
pub use settings::Settings;
