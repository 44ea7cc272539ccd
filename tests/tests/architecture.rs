//! Which crate may know which: `dtab ← router ← delegator-ui`, and `tests` all three.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

const MEMBERS: [&str; 4] = ["dtab", "router", "delegator-ui", "tests"];

/// The members of the workspace that a member depends on, by `cargo metadata`.
fn members_below(metadata: &Value, member: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let package = packages.iter().find(|package| package["name"] == member).expect("it is there");
    let dependencies = package["dependencies"].as_array().expect("every package lists them");
    let names = dependencies.iter().filter_map(|dependency| dependency["name"].as_str());
    names.filter(|name| MEMBERS.contains(name)).map(str::to_owned).collect()
}

#[test]
fn dependencies_point_one_way() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs where its tests run");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let below = |member| members_below(&metadata, member).into_iter().collect::<Vec<_>>();
    assert_eq!(below("dtab"), [""; 0]);
    assert_eq!(below("router"), ["dtab"]);
    assert_eq!(below("delegator-ui"), ["dtab", "router"]);
    assert_eq!(below("tests"), ["delegator-ui", "dtab", "router"]);
}
