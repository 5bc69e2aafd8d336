//! The rule of floors: a crate imports only lower ones (`ARCHITECTURE.md`).

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::{cargo_command, read};

#[cfg(test)]
mod tests;

/// Tools that stand beside the house; nobody imports them except for tests.
const OUTSIDE: [&str; 4] = ["postrider-testkit", "xtask", "postrider-fuzz", "postrider-torture"];

/// The tool that is a test as a whole, and so imports the harness.
const TEST: &str = "postrider-torture";

pub(crate) fn run() -> Result<()> {
    let text = read(cargo_command().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let found = violations(&serde_json::from_str(&text).context("cargo metadata is not JSON")?)?;
    if found.is_empty() {
        return Ok(());
    }
    bail!("floors:\n  {}", found.join("\n  "));
}

/// One line for each import that breaks the rule and each crate without a floor.
fn violations(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    let mut floors = BTreeMap::new();
    for package in packages {
        let floor = package.pointer("/metadata/postrider/floor").and_then(Value::as_u64);
        floors.insert(name(package)?, floor);
    }
    let mut found = Vec::new();
    for (name, floor) in &floors {
        let outside = OUTSIDE.contains(name);
        if floor.is_none() && !outside {
            found.push(format!("{name} has no [package.metadata.postrider] floor"));
        }
        if floor.is_some() && outside {
            found.push(format!("{name} is a tool and has no floor"));
        }
    }
    for package in packages {
        imports(package, &floors, &mut found)?;
    }
    Ok(found)
}

fn imports(package: &Value, floors: &BTreeMap<&str, Option<u64>>, found: &mut Vec<String>) -> Result<()> {
    let from = name(package)?;
    let dependencies = package.get("dependencies").and_then(Value::as_array).context("no dependencies")?;
    for dependency in dependencies {
        let (to, for_tests) =
            (name(dependency)?, dependency.get("kind").and_then(Value::as_str) == Some("dev"));
        let Some(there) = floors.get(to) else { continue };
        if for_tests || from == TEST || OUTSIDE.contains(&from) && !OUTSIDE.contains(&to) {
            continue;
        }
        match (floors.get(from).copied().flatten(), there) {
            (_, None) => found.push(format!("{from} imports the tool {to}")),
            (Some(here), Some(there)) if there >= &here => {
                found.push(format!("{from} (floor {here}) imports {to} (floor {there})"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn name(value: &Value) -> Result<&str> {
    value.get("name").and_then(Value::as_str).context("no name")
}
