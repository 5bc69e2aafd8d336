//! Floors on made-up metadata.

use serde_json::{Value, json};

use super::violations;

fn package(name: &str, floor: Option<u64>, imports: &[(&str, Option<&str>)]) -> Value {
    let dependencies: Vec<Value> = imports.iter().map(|(n, kind)| json!({"name": n, "kind": kind})).collect();
    let metadata = floor.map(|floor| json!({"postrider": {"floor": floor}}));
    json!({"name": name, "metadata": metadata, "dependencies": dependencies})
}

#[track_caller]
fn check(packages: &[Value], expected: &[&str]) {
    assert_eq!(violations(&json!({ "packages": packages })).expect("metadata"), expected);
}

#[test]
fn lower_floors_and_strangers_are_fine() {
    check(&[package("low", Some(0), &[("serde", None)]), package("high", Some(1), &[("low", None)])], &[]);
}

#[test]
fn equal_and_higher_floors_are_named() {
    check(
        &[
            package("a", Some(1), &[("b", None), ("c", Some("build"))]),
            package("b", Some(1), &[]),
            package("c", Some(2), &[]),
        ],
        &["a (floor 1) imports b (floor 1)", "a (floor 1) imports c (floor 2)"],
    );
}

#[test]
fn tests_may_import_anything() {
    check(
        &[
            package("a", Some(1), &[("b", Some("dev")), ("postrider-testkit", Some("dev"))]),
            package("b", Some(2), &[]),
            package("postrider-testkit", None, &[("b", None)]),
        ],
        &[],
    );
}

#[test]
fn tools_are_imported_by_none() {
    check(
        &[
            package("a", Some(1), &[("postrider-testkit", None)]),
            package("postrider-testkit", None, &[]),
            package("xtask", None, &[("postrider-testkit", None)]),
        ],
        &["a imports the tool postrider-testkit", "xtask imports the tool postrider-testkit"],
    );
}

#[test]
fn every_crate_has_a_floor_and_no_tool_has_one() {
    check(
        &[package("a", None, &[]), package("xtask", Some(0), &[])],
        &["a has no [package.metadata.postrider] floor", "xtask is a tool and has no floor"],
    );
}
