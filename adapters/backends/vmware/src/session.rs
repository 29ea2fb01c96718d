//! A login with a view of everything, from the first call to the last.
//!
//! A session has one user: either the calls, which never wait, or one stream, so that there is never a second wait in it.

use crate::client::{Connection, PAGE_TIME, TIME, Ticket};
use crate::error::{Failure, Outcome};
use crate::soap::answer::{self, Content, Page, Updates};
use crate::soap::request::{self, Request};
use crate::soap::xml::Node;
use http::HeaderValue;
use netweave_model::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tracing::debug;

/// Longest time that the server waits for a change; then it says that there was none.
pub(crate) const WAIT: Duration = Duration::from_secs(10);

/// An open session; when it is dropped, it is ended before the next one is opened.
pub(crate) struct Session {
    connection: Arc<Connection>,
    ticket: Ticket,
    pub(crate) content: Content,
    view: String,
    /// The collector that follows changes, once there is one.
    follower: Option<String>,
}

impl Session {
    /// Logs in, after what was left behind has been ended, and makes the view.
    pub(crate) async fn open(connection: &Arc<Connection>) -> Outcome<Self> {
        let (content, cookie) = connection.call(None, request::content(), TIME).await?;
        // Only now, as the server answers.
        for ticket in connection.retired() {
            let logout = request::logout(&ticket.manager);
            // It may have ended by itself; then there is nothing to end.
            if let Err(failure) = connection.call(Some(&ticket.cookie), logout, TIME).await {
                debug!(error = %failure.into_error(), "a session could not be ended");
            }
        }
        let content = answer::content(&content)?;
        let cookie = login(connection, &content, cookie).await?;
        let ticket = Ticket { cookie, manager: content.sessions.clone() };
        let mut session =
            Self { connection: Arc::clone(connection), ticket, content, view: String::new(), follower: None };
        let view = request::view(&session.content.views, &session.content.root);
        session.view = answer::made(&session.call(view, TIME).await?)?;
        Ok(session)
    }

    /// Asks something small, to see that the session is good for something.
    pub(crate) async fn probe(&self) -> Outcome<()> {
        let asked = request::root(&self.content.collector, &self.content.root);
        answer::page(&self.call(asked, TIME).await?)?;
        Ok(())
    }

    /// Reads a page of everything: the first, or the one that a token names.
    pub(crate) async fn page(&self, token: Option<&str>) -> Outcome<Page> {
        let collector = &self.content.collector;
        let asked = match token {
            None => request::retrieve(collector, &self.view),
            Some(token) => request::next(collector, token),
        };
        Ok(answer::page(&self.call(asked, PAGE_TIME).await?)?)
    }

    /// Has the server follow everything; returns what names that.
    pub(crate) async fn filter(&mut self) -> Outcome<String> {
        if self.follower.is_none() {
            let collector = request::collector(&self.content.collector);
            self.follower = Some(answer::made(&self.call(collector, TIME).await?)?);
        }
        let filter = request::filter(self.follower(), &self.view);
        Ok(answer::made(&self.call(filter, TIME).await?)?)
    }

    /// Has the server follow nothing any more.
    pub(crate) async fn destroy_filter(&self, filter: &str) -> Outcome<()> {
        self.call(request::destroy_filter(filter), TIME).await.map(drop)
    }

    /// Waits for what changes after a version. A wait that the server does not end in time is called off, as no other may
    /// begin before.
    pub(crate) async fn wait(&mut self, version: &str) -> Outcome<Option<Updates>> {
        let collector = self.follower();
        let wait = request::wait(collector, version, WAIT.as_secs());
        // The full state may take the time of a page.
        let patience = if version.is_empty() { PAGE_TIME } else { WAIT + TIME };
        match self.call(wait, patience).await {
            Ok(answer) => Ok(answer::updates(&answer)?),
            Err(failure) => {
                if matches!(&failure, Failure::Other(error) if error.kind() == ErrorKind::Timeout) {
                    let cancelled = self.call(request::cancel_wait(collector), TIME).await;
                    debug!(cancelled = cancelled.is_ok(), "a wait took too long");
                }
                Err(failure)
            }
        }
    }

    /// The collector that is waited on.
    fn follower(&self) -> &str {
        self.follower.as_deref().unwrap_or(&self.content.collector)
    }

    async fn call(&self, request: Request, limit: Duration) -> Outcome<Node> {
        self.connection.call(Some(&self.ticket.cookie), request, limit).await.map(|(answer, _)| answer)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.retire(self.ticket.clone());
    }
}

/// Logs in with the password as it is now; returns the session's cookie. vCenters hand it out before the login, others
/// with it.
async fn login(
    connection: &Connection,
    content: &Content,
    before: Option<HeaderValue>,
) -> Outcome<HeaderValue> {
    let _one = connection.login.lock().await;
    let password = connection.password().await?;
    let login = request::login(&content.sessions, connection.user(), &password);
    let outcome = connection.call(before.as_ref(), login, TIME).await;
    match &outcome {
        Ok(_) => connection.tried(&password, true),
        Err(Failure::Fault(fault)) if fault.name == "InvalidLogin" => connection.tried(&password, false),
        Err(_) => {}
    }
    let (_, after) = outcome?;
    after.or(before).ok_or_else(|| Error::internal("a login brought no session").into())
}
