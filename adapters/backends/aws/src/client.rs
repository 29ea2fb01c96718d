//! Signed calls of the services' query interface: a form goes out, XML comes back.

use crate::endpoint::{self, Service};
use crate::error;
use crate::wire::{self, Answer, Page};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use netweave_http::{Api, ApiAnswer, Endpoint};
use netweave_model::port::Clock;
use netweave_model::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use url::form_urlencoded::Serializer;

/// The form that goes out.
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// Items in one list; more is refused rather than held.
const MAX_ITEMS: usize = 200_000;
/// Pages of one list, so that tokens which never end do.
const MAX_PAGES: usize = 10_000;

/// Names and values of a call beyond its action.
pub(crate) type Params = Vec<(String, String)>;

/// The client of all services.
pub(crate) struct Client {
    api: Api,
    clock: Arc<dyn Clock>,
    /// Stands for all addresses.
    endpoint: Option<String>,
}

/// With whose keys and in which region something is asked.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) keys: &'a Credentials,
    pub(crate) region: &'a str,
}

impl Client {
    pub(crate) fn new(api: Api, clock: Arc<dyn Clock>, endpoint: Option<String>) -> Self {
        Self { api, clock, endpoint }
    }

    /// Returns the time as the operating system counts it, which signatures and expiries need.
    pub(crate) fn now(&self) -> SystemTime {
        let millis = u64::try_from(self.clock.now().0).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    /// Asks once.
    pub(crate) async fn call<T: Answer>(&self, site: Site<'_>, params: &[(String, String)]) -> Result<T> {
        let mut request = self.request(site, T::SERVICE, T::ACTION, params)?;
        request.extensions_mut().insert(Endpoint(T::ACTION));
        let answer = self.api.call(request).await?;
        read(&answer)
    }

    /// Reads a complete list, page by page; `each` takes the items of a page. A page that fails fails the list.
    pub(crate) async fn all<T: Page>(
        &self,
        site: Site<'_>,
        params: &[(String, String)],
        mut each: impl FnMut(Vec<T::Item>) -> Result<()>,
    ) -> Result<()> {
        let (mut token, mut items) = (None::<String>, 0);
        for _ in 0..MAX_PAGES {
            let mut params = params.to_vec();
            params.extend(T::MOST.map(|(name, most)| (name.to_owned(), most.to_string())));
            params.extend(token.clone().map(|token| ("NextToken".to_owned(), token)));
            let (page, next) = self.call::<T>(site, &params).await?.into_parts();
            items += page.len();
            each(page)?;
            let next = next.filter(|next| !next.is_empty());
            if next.is_none() {
                return Ok(());
            }
            if items > MAX_ITEMS || next == token {
                break;
            }
            token = next;
        }
        Err(Error::new(ErrorKind::TooLarge, "the cloud holds more than is read").with_private(T::ACTION))
    }

    /// Reads a complete list that is small.
    pub(crate) async fn list<T: Page>(
        &self,
        site: Site<'_>,
        params: &[(String, String)],
    ) -> Result<Vec<T::Item>> {
        let mut items = Vec::new();
        let keep = |page| {
            items.extend(page);
            Ok(())
        };
        self.all::<T>(site, params, keep).await?;
        Ok(items)
    }

    fn request(
        &self,
        site: Site<'_>,
        service: Service,
        action: &str,
        params: &[(String, String)],
    ) -> Result<Request<Bytes>> {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", service.version());
        form.extend_pairs(params);
        let body = Bytes::from(form.finish());
        let address = self.endpoint.clone().unwrap_or_else(|| endpoint::address(service, site.region));
        let mut request = Request::post(address)
            .header(CONTENT_TYPE, FORM)
            .body(body)
            .map_err(|error| Error::internal("a call cannot be written").with_source(error))?;
        self.sign(site, service, &mut request)
            .map_err(|error| Error::internal("a call cannot be signed").with_source(error))?;
        Ok(request)
    }

    fn sign(
        &self,
        site: Site<'_>,
        service: Service,
        request: &mut Request<Bytes>,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let identity = site.keys.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(site.region)
            .name(service.name())
            .time(self.now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let address = request.uri().to_string();
        let signable = SignableRequest::new(
            "POST",
            &address,
            [(CONTENT_TYPE.as_str(), FORM)].into_iter(),
            SignableBody::Bytes(request.body()),
        )?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

pub(crate) fn read<T: Answer>(answer: &ApiAnswer) -> Result<T> {
    if answer.status != 200 {
        return Err(error::answer(answer));
    }
    let text = std::str::from_utf8(&answer.body).map_err(|error| error::unreadable(error.to_string()))?;
    wire::read(text)
}
