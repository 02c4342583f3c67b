//! Seeded days at the counters, every answer checked against a model that shares no code with the
//! rules. `RECAUDO_STEPS` sets how many steps; a failure names its seed and step.

#[rustfmt::skip] // A line a thought: the model is short enough to be read at one sitting.
mod model;

mod books;
mod chance;
mod script;
mod words;

use books::InMemory;
use script::Simulation;

const SEEDS: u64 = 8;
const STEPS: u64 = 20_000;

#[test]
fn the_rules_do_what_the_model_says() {
    let steps = std::env::var("RECAUDO_STEPS").ok().and_then(|text| text.parse().ok()).unwrap_or(STEPS);
    let mut seen = std::collections::BTreeMap::new();
    for seed in 1..=SEEDS {
        let mut simulation = Simulation::new(InMemory::new(words::register()), seed).unwrap();
        for step in 0..steps / SEEDS {
            if let Err(difference) = simulation.step() {
                panic!("seed {seed}, step {step}: {difference}");
            }
        }
        for (outcome, times) in simulation.seen {
            *seen.entry(outcome).or_insert(0) += times;
        }
    }
    println!("{seen:?}");
    // A simulation that never meets a rule proves nothing about it.
    if steps >= STEPS {
        assert!(seen.len() >= 22, "only {seen:?}");
    }
}
