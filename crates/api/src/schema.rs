//! The finished `CustomResourceDefinition`s, and the few words of schema that derive macros cannot say.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};
use kube::CustomResourceExt;
use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::names::BACKEND_NAME_MAX;
use crate::{ArrayBackend, ArrayNode, ArrayVolume};

const RULES: &str = "x-kubernetes-validations";

/// Every `CustomResourceDefinition` of the product, ready to apply.
///
/// Take them from here and not from `CustomResourceExt::crd`, which lacks the rules on the whole object.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let name_rule = ValidationRule {
        rule: format!("self.metadata.name.size() <= {BACKEND_NAME_MAX}"),
        message: Some(format!("the name of an ArrayBackend has at most {BACKEND_NAME_MAX} characters")),
        ..Default::default()
    };
    vec![
        finish(ArrayBackend::crd(), Some(&name_rule)),
        whole(finish(ArrayVolume::crd(), None)),
        finish(ArrayNode::crd(), None),
    ]
}

/// Adds a CEL rule; `advice` is what the person sees whose object is refused.
pub(crate) fn rule(schema: &mut Schema, rule: &str, advice: &str) {
    push_rule(schema.ensure_object(), json!({"rule": rule, "message": advice}));
}

/// Adds a CEL rule whose advice is computed from the object by the CEL expression `advice`.
pub(crate) fn rule_saying(schema: &mut Schema, rule: &str, advice: &str, short: &str) {
    push_rule(schema.ensure_object(), json!({"rule": rule, "message": short, "messageExpression": advice}));
}

/// Makes a list an associative one, so that appliers own single entries of it.
pub(crate) fn keyed_by(schema: &mut Schema, key: &str) {
    let object = schema.ensure_object();
    object.insert("x-kubernetes-list-type".to_owned(), json!("map"));
    object.insert("x-kubernetes-list-map-keys".to_owned(), json!([key]));
}

/// The list of conditions of a status.
pub(crate) fn conditions(schema: &mut Schema) {
    keyed_by(schema, "type");
    schema.ensure_object().insert("maxItems".to_owned(), json!(32));
}

fn push_rule(object: &mut Map<String, Value>, rule: Value) {
    if let Value::Array(rules) = object.entry(RULES).or_insert_with(|| json!([])) {
        rules.push(rule);
    }
}

fn finish(mut crd: CustomResourceDefinition, root_rule: Option<&ValidationRule>) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        if let Some(root) = version.schema.as_mut().and_then(|s| s.open_api_v3_schema.as_mut()) {
            tidy(root);
            root.x_kubernetes_validations = root_rule.cloned().map(|rule| vec![rule]);
        }
    }
    crd
}

/// Takes the status subresource away, so that one write stores the whole object.
fn whole(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    crd.spec.versions.iter_mut().for_each(|version| version.subresources = None);
    crd
}

/// An optional field is left out, never null: rules ask `has(self.field)`, and a stored null would answer yes. And the API
/// server fills in no defaults: a stored object says what its author said.
fn tidy(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.default = None;
    for property in schema.properties.iter_mut().flat_map(|p| p.values_mut()) {
        tidy(property);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = schema.items.as_mut() {
        tidy(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = schema.additional_properties.as_mut() {
        tidy(values);
    }
}

#[cfg(test)]
mod tests {
    use super::crds;

    fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    found.push(key.clone());
                    keys(value, found);
                }
            }
            serde_json::Value::Array(list) => list.iter().for_each(|v| keys(v, found)),
            _ => {}
        }
    }

    #[test]
    fn no_stored_object_is_altered_by_a_default_or_keeps_a_null() {
        let mut found = Vec::new();
        crds().iter().for_each(|crd| keys(&serde_json::to_value(crd).unwrap(), &mut found));
        assert!(found.iter().any(|k| k == "x-kubernetes-validations"));
        assert!(!found.iter().any(|k| k == "default" || k == "nullable"));
    }

    #[test]
    fn every_list_is_bounded() {
        fn walk(path: &str, value: &serde_json::Value) {
            if value["type"] == "array" {
                assert!(value["maxItems"].is_number(), "{path} has no maxItems");
            }
            for (name, property) in value["properties"].as_object().into_iter().flatten() {
                walk(&format!("{path}.{name}"), property);
            }
            if value["items"].is_object() {
                walk(&format!("{path}[]"), &value["items"]);
            }
        }
        for crd in crds() {
            let root = serde_json::to_value(&crd.spec.versions[0]).unwrap();
            walk(&crd.spec.names.kind, &root["schema"]["openAPIV3Schema"]);
        }
    }
}
