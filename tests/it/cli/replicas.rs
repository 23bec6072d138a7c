//! Several processes on one PostgreSQL database, started at the same moment.

use super::place::{Place, Running};
use crate::replicas::{assert_each_step_once, rounds};

const BOOTSTRAP: &str = "ROSTER_BOOTSTRAP_API_KEY";

/// Starts three at once and waits until all serve.
fn serve_at_once(place: &Place, environment: &[(&str, &str)]) -> [Running; 3] {
    let mut running = [(); 3].map(|()| place.serve(environment));
    for one in &mut running {
        one.address();
    }
    running
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn three_started_at_once_with_one_key_serve_it_and_there_is_one() {
    for round in 0..rounds(3) {
        let place = Place::new();
        let (key, next) = (format!("first-{round}-").repeat(5), format!("next-{round}-").repeat(6));
        // On an empty database, on one that has the key, and with another key.
        for (key, keys) in [(&key, 1), (&key, 1), (&next, 2)] {
            let mut running = serve_at_once(&place, &[(BOOTSTRAP, key)]);
            for one in &mut running {
                one.assert_root(key).await;
            }
            for one in running {
                let ended = one.stop();
                assert_eq!(ended.status, Some(0), "{ended:?}");
                assert!(!ended.stderr.contains("ERROR"), "{ended:?}");
            }
            assert_eq!(place.output("keys list").lines().count(), 1 + keys);
        }
        assert_each_step_once(&place.database).await;
    }
}
