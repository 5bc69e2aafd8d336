//! The end: what is on its way in is finished, the rest is told to come back.

use super::*;

#[tokio::test]
async fn a_stop_finishes_messages_and_returns() {
    let door = open(House::new(), settings()).await;
    let (mut idle, mut busy) = (door.client().await, door.client().await);
    idle.check(&[("", "220"), ("EHLO c", "250"), ("MAIL FROM:<a@b.c>", "250")]).await;
    busy.check(&OPENING).await;
    busy.check(&[("DATA", "354")]).await;
    busy.say("begun\r\n").await;
    door.stop.send(true).unwrap();
    idle.check(&[("", "421 4.3.2"), ("", "")]).await;
    busy.check(&[("ended\r\n.", "250 2.0.0 Ok: queued as"), ("", "421 4.3.2"), ("", "")]).await;
    drop((idle, busy));
    door.task.await.unwrap();
    assert_eq!(door.house.bodies(), ["begun\r\nended\r\n"]);
    assert_eq!(door.house.budget.held(), 0);
    assert!(TcpStream::connect(door.at).await.is_err());
}

#[tokio::test]
async fn a_series_of_chunks_is_one_message() {
    let door = open(House::new(), settings()).await;
    let mut client = door.client().await;
    client.check(&OPENING).await;
    client.check(&[("BDAT 3\r\na", "250")]).await;
    door.stop.send(true).unwrap();
    client.check(&[("BDAT 3 LAST\r\nb", "250 2.0.0 Ok: queued"), ("", "421 4.3.2")]).await;
    assert_eq!(door.house.bodies(), ["a\r\nb\r\n"]);
}

#[tokio::test]
async fn a_client_that_goes_leaves_nothing_half_taken() {
    let door = open(House::new(), settings()).await;
    let mut client = door.client().await;
    client.check(&OPENING).await;
    client.check(&[("DATA", "354")]).await;
    client.say("half a mess").await;
    drop(client);
    door.stop.send(true).unwrap();
    door.task.await.unwrap();
    assert!(door.house.bodies().is_empty());
    assert_eq!(door.house.budget.held(), 0);
}

#[tokio::test]
async fn b6_109_a_message_whose_client_went_is_stored_once() {
    let house = House { gate: Semaphore::new(0), ..House::new() };
    let door = open(house, settings()).await;
    let mut client = door.client().await;
    client.check(&OPENING).await;
    client.check(&[("DATA", "354")]).await;
    client.say("x\r\n.\r\n").await;
    door.house.asked.notified().await;
    assert!(door.house.budget.held() > 0);
    drop(client);
    door.house.gate.add_permits(5);
    door.stop.send(true).unwrap();
    door.task.await.unwrap();
    assert_eq!(door.house.bodies(), ["x\r\n"]);
}

#[tokio::test]
async fn a_unix_socket_is_a_door_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submit.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let (stop, stopped) = watch::channel(false);
    let house = Arc::new(House::new());
    let door = serve_into(Listener::Unix(listener), house.clone(), Arc::new(settings()), stopped);
    let door = tokio::spawn(door);
    let mut client = Client::over(tokio::net::UnixStream::connect(&path).await.unwrap());
    client.check(&OPENING).await;
    client.say("BDAT 1 LAST\r\nx").await;
    client.check(&[("", "250"), ("QUIT", "221")]).await;
    let received = house.taken.lock().unwrap()[0].1.received.clone();
    assert_eq!(received.unwrap().from, "from c.test (local)");
    drop((client, stop));
    door.await.unwrap();
}
