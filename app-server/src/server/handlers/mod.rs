//! One handler per method: from parameters to calls. The rules are in `auth`, `backend` and
//! `threads`.

mod account;
mod backend;
mod config;
mod gateway;
mod initialize;
mod login;
mod thread;
mod thread_config;
mod thread_lifecycle;
mod tools;
mod turn;

pub(crate) use account::{account_read, get_auth_status, logout};
pub(crate) use backend::{model_list, rate_limits_read, reset_credit_consume, usage_read};
pub(crate) use config::{config_read, config_requirements_read};
pub(crate) use gateway::{gateway_start, gateway_stop};
pub(crate) use initialize::initialize;
pub(crate) use login::{LoginWait, login_cancel, login_complete, login_start, login_wait};
pub(crate) use thread::{thread_loaded_list, thread_resume, thread_start};
pub(crate) use thread_lifecycle::{thread_delete, thread_read, thread_unsubscribe};
pub(crate) use tools::{permission_profile_list, skills_list};
pub(crate) use turn::{turn_interrupt, turn_start};
