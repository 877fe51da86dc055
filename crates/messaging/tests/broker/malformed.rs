//! A client written by hand: what it sends a broker takes, and no client of ours can read.

use bytes::BytesMut;
use futures::{SinkExt, StreamExt};
use messaging::transport::pulsar::BrokerSettings;
use pulsar::Payload;
use pulsar::message::{Codec, Message};
use pulsar::proto::base_command::Type;
use pulsar::proto::{
    BaseCommand, CommandConnect, CommandProducer, CommandSend, MessageMetadata, Schema,
};
use schemas::WriterSchema;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::codec::{Encoder, Framed};

use crate::lab::TOPIC;

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy)]
pub enum Malformed {
    /// It has no checksum, which the protocol allows.
    WithoutChecksum,
    /// Its metadata are no metadata.
    UnreadableMetadata,
    /// A batch of no message.
    EmptyBatch,
    /// A batch of fewer than none.
    NegativeBatch,
    /// A batch of thousands of messages with nothing in them, and metadata of a MiB.
    TooLargeApart,
}

/// Messages of [`Malformed::TooLargeApart`].
const EMPTY_MESSAGES: i32 = 4_000;

/// What precedes a checksum: a magic number of two bytes, and four of the checksum itself.
const CHECKSUM: std::ops::Range<usize> = 0..6;

/// Publishes such entries to the first partition of the lab's topic.
pub async fn publish(settings: &BrokerSettings, kinds: &[Malformed]) {
    let url = reqwest::Url::parse(&settings.service_url).unwrap();
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let stream = TcpStream::connect(address).await.unwrap();
    let mut framed = Framed::new(stream, Codec);
    let connect = CommandConnect {
        client_version: "by hand".to_owned(),
        protocol_version: Some(12),
        ..CommandConnect::default()
    };
    answered(
        &mut framed,
        BaseCommand {
            r#type: Type::Connect.into(),
            connect: Some(connect),
            ..BaseCommand::default()
        },
        Type::Connected,
    )
    .await;
    let producer = CommandProducer {
        topic: settings.partition_name(TOPIC, 0),
        producer_id: 1,
        request_id: 1,
        schema: Some(Schema {
            name: TOPIC.name().to_owned(),
            schema_data: WriterSchema::current(TOPIC).text().as_bytes().to_vec(),
            r#type: 4,
            properties: Vec::new(),
        }),
        ..CommandProducer::default()
    };
    answered(
        &mut framed,
        BaseCommand {
            r#type: Type::Producer.into(),
            producer: Some(producer),
            ..BaseCommand::default()
        },
        Type::ProducerSuccess,
    )
    .await;
    for (number, kind) in kinds.iter().enumerate() {
        let frame = frame(u64::try_from(number).unwrap(), *kind);
        framed.get_mut().write_all(&frame).await.unwrap();
        let receipt = framed.next().await.unwrap().unwrap();
        assert!(
            receipt.command.send_receipt.is_some(),
            "{kind:?}: {receipt:?}"
        );
    }
}

async fn answered(framed: &mut Framed<TcpStream, Codec>, command: BaseCommand, with: Type) {
    let payload = None;
    framed.send(Message { command, payload }).await.unwrap();
    let answer = framed.next().await.unwrap().unwrap();
    assert_eq!(answer.command.r#type, i32::from(with), "{answer:?}");
}

fn frame(sequence: u64, kind: Malformed) -> BytesMut {
    let send = CommandSend {
        producer_id: 1,
        sequence_id: sequence,
        num_messages: Some(1),
        ..CommandSend::default()
    };
    let num_messages_in_batch = match kind {
        Malformed::WithoutChecksum | Malformed::UnreadableMetadata => None,
        Malformed::EmptyBatch => Some(0),
        Malformed::NegativeBatch => Some(-1_000_000),
        Malformed::TooLargeApart => Some(EMPTY_MESSAGES),
    };
    let (uuid, data) = match kind {
        // The size of a message's metadata, and metadata by which it has a payload of no bytes.
        Malformed::TooLargeApart => (
            Some("a".repeat(1 << 20)),
            [0, 0, 0, 2, 0x18, 0].repeat(EMPTY_MESSAGES.try_into().unwrap()),
        ),
        _ => (None, vec![7; 20]),
    };
    let metadata = MessageMetadata {
        producer_name: "by hand".to_owned(),
        sequence_id: sequence,
        num_messages_in_batch,
        uuid,
        ..MessageMetadata::default()
    };
    let whole = Message {
        command: BaseCommand {
            r#type: Type::Send.into(),
            send: Some(send),
            ..BaseCommand::default()
        },
        payload: Some(Payload { metadata, data }),
    };
    let mut frame = BytesMut::new();
    Encoder::encode(&mut Codec, whole, &mut frame).unwrap();
    match kind {
        Malformed::WithoutChecksum => rewritten(&frame, |payload| {
            payload.drain(CHECKSUM);
        }),
        Malformed::UnreadableMetadata => rewritten(&frame, |payload| {
            // Metadata need no checksum to be unreadable. A tag of field 0 is none of the encoding's.
            payload.drain(CHECKSUM);
            payload[4..].fill(0);
        }),
        // The broker wants the true one.
        Malformed::TooLargeApart | Malformed::NegativeBatch => rewritten(&frame, |payload| {
            let checksum = crc32c::crc32c(&payload[CHECKSUM.end..]);
            payload[2..CHECKSUM.end].copy_from_slice(&checksum.to_be_bytes());
        }),
        Malformed::EmptyBatch => frame,
    }
}

/// The frame with another payload behind its command, of which it is four bytes of size each before both.
fn rewritten(frame: &[u8], rewrite: impl FnOnce(&mut Vec<u8>)) -> BytesMut {
    let command_size =
        usize::try_from(u32::from_be_bytes(frame[4..8].try_into().unwrap())).unwrap();
    let (command, payload) = frame[4..].split_at(4 + command_size);
    let mut payload = payload.to_vec();
    rewrite(&mut payload);
    let size = u32::try_from(command.len() + payload.len()).unwrap();
    let mut frame = BytesMut::from(&size.to_be_bytes()[..]);
    frame.extend_from_slice(command);
    frame.extend_from_slice(&payload);
    frame
}
