//! What each route answers without a script. One file per route of the backend.

mod accounts;
mod models;
mod profile;
mod responses;
mod usage;
mod windows;

use hyper::StatusCode;

use crate::answer::whole::Answer;
use crate::issuer::Issuer;
use crate::request::record::RecordedRequest;
use crate::request::route::Route;

/// The default answer to a request; `id` numbers a reply if there is one.
pub(crate) fn answer(
    route: Route,
    request: &RecordedRequest,
    issuer: &Issuer,
    id: impl FnOnce() -> u64,
) -> Answer {
    let body = match route {
        Route::AccountsCheck => accounts::body(request),
        Route::Authorize => return issuer.authorize(request),
        Route::DeviceCode => return issuer.begin_device(),
        Route::DevicePage => return issuer.device_page(request),
        Route::DevicePoll => return issuer.poll_device(request),
        Route::Models => models::body(),
        Route::Profile => profile::body(),
        Route::Responses => return responses::answer(request, id),
        Route::Revoke => return issuer.revoke(request),
        Route::Token => return issuer.trade(request),
        Route::Usage => usage::body(request),
        Route::Whoami => return Issuer::whoami(request),
    };
    Answer::json(StatusCode::OK, &body)
}
