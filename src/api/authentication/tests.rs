//! Tests of log-ons: former passwords, and many at a time.

#![allow(clippy::unwrap_used)]
use actix_web::ResponseError as _;
use futures_util::future::join_all;

use super::*;
use crate::{
    api::tests::{accounts, context},
    operators::{ADMIN, OperatorError, Origin},
};

const PASSWORD: &str = "seven quiet lamps";

/// The operator Anna, and an administrator with this password.
async fn keys(folder: &tempfile::TempDir, context: Arc<ServerContext>) -> Keys {
    let operators = Arc::new(Operators::open(folder.path()));
    let anna = operators.add("Anna".to_owned(), Right::Read, PASSWORD.to_owned(), 7);
    anna.await.unwrap();
    operators.set_administrator(&PASSWORD.into());
    let accounts = accounts(folder.path(), &context);
    Keys::new(&"token".into(), operators, accounts, context)
}

fn from(host: u8) -> Origin {
    Origin {
        address: [192, 0, 2, host].into(),
        agent: None,
    }
}

#[actix_web::test]
async fn log_on_with_the_former_password_does_not_outlast_its_change() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(&folder, context(|_| {})).await;
    let begun = keys.begin(ADMIN, PASSWORD.to_owned(), from(1));
    let changed = async { keys.operators.set_administrator(&"another horse".into()) };
    let (begun, ()) = tokio::join!(begun, changed);
    assert!(begun.is_err(), "the administrator");

    let anna = keys.operators.find("Anna").unwrap();
    let mut former = PASSWORD.to_owned();
    for number in 0..5 {
        let new = format!("horse number {number}");
        let any = |_: &_| Ok::<_, OperatorError>(());
        let changed = keys
            .operators
            .modify(&anna.id, any, None, Some(new.clone()), ADMIN);
        let begun = keys.begin("Anna", former, from(1));
        let (changed, begun) = tokio::join!(changed, begun);
        changed.unwrap();
        let lives = begun.is_ok_and(|(_, cookie)| keys.check_cookie(&cookie).is_ok());
        assert!(!lives, "Anna, with her former password");
        former = new;
    }
    assert!(keys.begin("Anna", former, from(1)).await.is_ok());
}

#[actix_web::test]
async fn log_ons_at_the_same_time_do_not_pass_the_limit_together() {
    let context = context(|settings| {
        (settings.limits.failed_log_ons, settings.limits.log_on_tries) = (4, 1);
    });
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(&folder, context).await;
    // Those that succeed leave the limit as it was.
    for _ in 0..3 {
        let right = (0..2).map(|_| keys.begin("Anna", PASSWORD.to_owned(), from(1)));
        assert!(join_all(right).await.iter().all(Result::is_ok));
    }
    let wrong = (0..20).map(|_| keys.begin("Anna", "seven loud lamps".to_owned(), from(1)));
    let refused = join_all(wrong).await;
    let held_back = refused.iter().filter(|refused| {
        let problem = refused.as_ref().unwrap_err();
        problem.status_code() == 429
    });
    assert_eq!(held_back.count(), 16);
    assert!(
        keys.begin("Anna", PASSWORD.to_owned(), from(2))
            .await
            .is_ok()
    );
}

#[test]
fn token_matches_as_a_bearer_alone() {
    let token = "token".into();
    for (given, expected) in [
        ("Bearer token", true),
        ("bearer token", true),
        ("Basic YWRtaW46cGFzc3dvcmQ=", false),
        ("Bearer Token", false),
        ("Bearer toke", false),
        ("Bearer password", false),
        ("Bearer ", false),
        ("Bearer", false),
        ("Basic token", false),
        ("Digest token", false),
        ("token", false),
        ("", false),
    ] {
        assert_eq!(has_token(&token, given), expected, "{given}");
    }
}

#[actix_web::test]
async fn session_and_link_end_with_the_password_that_they_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(&folder, context(|_| {})).await;
    let (admin, session) = keys
        .begin(ADMIN, PASSWORD.to_owned(), from(1))
        .await
        .unwrap();
    let link = keys.make_link(&admin).unwrap();
    let (_, by_link) = keys.begin_by_link(&link, from(1)).unwrap();
    let link = keys.make_link(&admin).unwrap();
    let lives = |cookie: &str| keys.check_cookie(cookie).is_ok();
    assert!(lives(&session) && lives(&by_link));
    // A reload with the same password changes nothing.
    keys.operators.set_administrator(&PASSWORD.into());
    assert!(lives(&session) && lives(&by_link));
    for password in ["another horse", PASSWORD] {
        keys.operators.set_administrator(&password.into());
        assert!(!lives(&session) && !lives(&by_link), "{password}");
        assert!(keys.recheck_cookie(&session).is_err());
    }
    assert!(keys.begin_by_link(&link, from(1)).is_err());
    assert!(keys.operators.sessions(keys.context.clock.now()).is_empty());
}
