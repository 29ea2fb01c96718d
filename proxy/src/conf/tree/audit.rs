//! The audit log: what must be able to be shown later.

use crate::conf::unit::{Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How long records are kept where `compliance` is set, at least. Source: the operations documents, section "Audit".
const COMPLIANCE: Duration = Duration::from_hours(365 * 24);

/// What happens to changes while no sink takes their records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuditMode {
    /// They are made; records that are lost are counted.
    #[default]
    BestEffort,
    /// They are refused, and each is answered only after its record is safe.
    Strict,
}

/// Where records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinkKind {
    /// Standard output, among the lines of the log.
    Stdout,
    /// Files of a folder.
    File,
    /// A receiver of syslog over TLS.
    Syslog,
    /// A collector of OpenTelemetry.
    Otlp,
}

section! {
    /// The audit log.
    Audit {
        /// What happens to changes while no sink takes their records: they are made (`best-effort`), or refused (`strict`).
        mode: AuditMode = AuditMode::BestEffort,
        /// Where records go: `stdout`, `file`, `syslog`, `otlp`. Without any, nothing is recorded.
        #[schemars(length(max = 4))]
        sinks: Vec<SinkKind> = vec![SinkKind::Stdout],
        /// How long the files keep records; 30d in `staging`, 90d in `prod`.
        #[schemars(extend("x-minimum" = "1h", "x-maximum" = "3650d"))]
        retention: Span = Span::seconds(7 * 24 * 3600),
        /// Whether the files keep records for 365d at least, whatever `retention` says.
        compliance: bool = false,
        /// How much of a body is recorded; its hash always covers all of it.
        #[schemars(extend("x-minimum" = "0B", "x-maximum" = "64KiB"))]
        body: Size = Size::kib(4),
        /// How often a checkpoint is signed, if there is a key.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "1h"))]
        checkpoint: Span = Span::seconds(60),
        /// The key that signs checkpoints: Ed25519, PKCS#8, as a PEM file.
        #[schemars(example = &"audit-signing.key")]
        signing_key_file: Option<PathBuf> = None,
        /// The key that stands in for sensitive values: 32 bytes, as they are or in base64. Equal values look equal; without a key only within one start.
        #[schemars(example = &"audit-redaction.key")]
        redaction_key_file: Option<PathBuf> = None,
        /// The files of the sink `file`.
        file: AuditFile = AuditFile::default(),
        /// The receiver of the sink `syslog`.
        syslog: AuditSyslog = AuditSyslog::default(),
        /// The collector of the sink `otlp`.
        otlp: AuditOtlp = AuditOtlp::default(),
    }
}

section! {
    /// The files of the sink `file`.
    AuditFile {
        /// The folder; it is made if it is missing, and must be closed to others.
        directory: PathBuf = "audit".into(),
        /// The key that encrypts the files: 32 bytes, as they are or in base64.
        #[schemars(example = &"audit-encryption.key")]
        key_file: Option<PathBuf> = None,
        /// Size after which a new file is begun.
        #[schemars(extend("x-minimum" = "4KiB", "x-maximum" = "4GiB"))]
        segment_size: Size = Size::kib(64 * 1024),
        /// Time after which a new file is begun.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "30d"))]
        segment_time: Span = Span::seconds(24 * 3600),
    }
}

section! {
    /// The receiver of the sink `syslog`: RFC 5424 over TLS (RFC 5425).
    AuditSyslog {
        /// Its address, `HOST:PORT`.
        #[schemars(length(min = 1, max = 255))]
        address: String = "127.0.0.1:6514".to_owned(),
        /// The authorities of its certificate, as a PEM file; no other is believed.
        ca: PathBuf = "syslog-ca.crt".into(),
        /// The certificate that is shown to it, as a PEM file.
        #[schemars(example = &"syslog-client.crt")]
        certificate: Option<PathBuf> = None,
        /// The key of that certificate.
        #[schemars(example = &"syslog-client.key")]
        key: Option<PathBuf> = None,
    }
}

section! {
    /// The collector of the sink `otlp`: OTLP over HTTP with JSON.
    AuditOtlp {
        /// The address of its logs; `http` in `dev` only.
        #[schemars(length(min = 1, max = 1024))]
        url: String = "https://127.0.0.1:4318/v1/logs".to_owned(),
        /// Authorities of its certificate, as a PEM file, beside the platform's.
        #[schemars(example = &"otlp-ca.crt")]
        ca: Option<PathBuf> = None,
    }
}

impl Audit {
    /// Returns how long files keep records.
    pub fn kept(&self) -> Duration {
        if self.compliance { self.retention.0.max(COMPLIANCE) } else { self.retention.0 }
    }

    /// Says whether records go to this sink.
    pub fn goes_to(&self, kind: SinkKind) -> bool {
        self.sinks.contains(&kind)
    }
}
