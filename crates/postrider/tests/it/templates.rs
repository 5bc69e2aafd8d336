//! Messages by template.

use crate::bench::{builder, recorder};
use postrider::{Mailer, Message, Source, SubmitError, Templates};
use serde_json::json;
use std::sync::Arc;

async fn mailer() -> Mailer {
    let mailer = builder(&recorder()).memory().open().await.unwrap();
    let text = "Hello\n---\nDear {{ value }},\n".into();
    let source = Source { name: "hello.txt".into(), text, origin: "hello.txt".into() };
    mailer.change_templates(Arc::new(Templates::new([source]).unwrap()));
    mailer
}

fn filled(variables: serde_json::Value) -> Message {
    Message::new().to("ada@example.org").template("hello", variables)
}

#[tokio::test]
async fn variables_that_are_no_object_are_refused() {
    let mailer = mailer().await;
    mailer.submit(filled(json!({"value": "Ada"}))).await.unwrap();
    for variables in [json!("Ada"), json!(7), json!(["Ada"]), json!(null), json!(true)] {
        let outcome = mailer.submit(filled(variables.clone())).await;
        let Err(SubmitError::Invalid(mistakes)) = outcome else { panic!("{variables}: taken") };
        assert_eq!(mistakes[0].field, "template.variables", "{mistakes:?}");
        assert!(mistakes[0].problem.contains("object"), "{mistakes:?}");
    }
}

#[tokio::test]
async fn a_batch_gives_way_to_others_between_templates_alone() {
    let mailer = mailer().await;
    let turns = async |message: Message| {
        // The last is refused, so that nothing else is waited for.
        let batch = std::iter::repeat_n(message, 20).chain([Message::new()]).collect();
        let mut batch = std::pin::pin!(mailer.submit_batch(batch));
        let mut turns = 0;
        let outcome = std::future::poll_fn(|context| {
            turns += 1;
            batch.as_mut().poll(context)
        });
        assert!(matches!(outcome.await, Err(SubmitError::Invalid(_))));
        turns
    };
    assert_eq!(turns(filled(json!({"value": "Ada"}))).await, 21);
    assert_eq!(turns(Message::new().to("ada@example.org").text("x")).await, 1);
}
