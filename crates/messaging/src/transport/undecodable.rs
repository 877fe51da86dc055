//! Entries that the client cannot take apart. A broker keeps whatever it is sent; an entry without a checksum, which the
//! [protocol](https://pulsar.apache.org/docs/4.0.x/developing-binary-protocol/#message-metadata) allows, ends every
//! connection by which the client reads it, and so would hold up all behind it for ever.
//!
//! So when a session ends and nothing came of it, the subscription is read frame by frame at a connection of its own, and
//! such entries are taken out: acknowledged with the reason, as Pulsar's own client does with what is damaged.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use prost::Message as _;
use pulsar::consumer::InitialPosition;
use pulsar::message::{Codec, Message};
use pulsar::proto::base_command::Type;
use pulsar::proto::command_ack::{AckType, ValidationError};
use pulsar::proto::command_subscribe::SubType;
use pulsar::proto::{
    BaseCommand, CommandAck, CommandCloseConsumer, CommandFlow, CommandSubscribe, CompressionType,
    MessageIdData, SingleMessageMetadata,
};
use pulsar::{Pulsar, TokioExecutor};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::codec::{Decoder, Encoder, Framed, LengthDelimitedCodec};

use crate::transport::consumer::Subscription;
use crate::transport::pulsar::{ConnectError, Server, Share, Stream, to_its_end};
use crate::transport::{refusal, seniority};

/// How long an answer of the broker is waited for.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// With no frame for so long, all is read that is to be had: longer than the second for which a broker may wait before it
/// feeds a new consumer.
const QUIET: Duration = Duration::from_millis(1_500);
/// However much there is, it ends after so long; the session after it may bring up the rest.
const MAX_LOOK: Duration = Duration::from_secs(10);
/// Messages that the broker may send ahead.
const PERMITS: u32 = 1_000;
/// A frame larger than this is none: Pulsar's own bound is 5 MiB and some, unless it is set higher.
const MAX_FRAME: usize = 16 * 1024 * 1024;
/// Stands before a checksum.
const HAS_CHECKSUM: [u8; 2] = [0x0e, 0x01];
/// Of the only consumer at that connection, and of what is asked of it first and last.
const CONSUMER: u64 = 1;
const SUBSCRIBING: u64 = 1;
const CLOSING: u64 = 2;

/// Why entries could not be looked at.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Pulsar(#[from] pulsar::Error),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Token(#[from] pulsar::error::AuthenticationError),
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    #[error("the broker cannot be reached")]
    Away,
    #[error("the broker does not answer in time")]
    TimedOut,
    #[error("the broker refuses: {0}")]
    Refused(String),
    #[error("what the broker sends is no frame")]
    NoFrame,
}

/// Takes out of the subscription what the client cannot read, as far as the broker gives it to this process.
pub(super) async fn take_out(subscription: &Subscription, share: &mut Share) {
    if let Err(error) = Box::pin(try_take_out(subscription, share)).await {
        let (topic, partition) = (subscription.topic.name(), subscription.partition);
        tracing::warn!(topic, partition, %error, "entries that cannot be decoded were not looked for");
    }
}

/// What was taken out before an error is acknowledged, and counted as such.
async fn try_take_out(subscription: &Subscription, share: &mut Share) -> Result<(), LookError> {
    let client = share.connect(&subscription.client).await?;
    let (topic, partition) = (subscription.topic.name(), subscription.partition);
    let mut frames = Frames::open(subscription, &client).await?;
    frames.send(flow(PERMITS)).await?;
    let ends = Instant::now() + MAX_LOOK;
    // Quiet when there is no more, and when another process is fed.
    while let Ok(frame) = timeout_at(ends.min(Instant::now() + QUIET), frames.next()).await {
        let frame = frame?;
        if frame.command.close_consumer.is_some() {
            return Ok(());
        }
        let Some(id) = frame.entry() else { continue };
        match frame.read() {
            Ok(messages) => frames.send(flow(messages)).await?,
            Err(fault) => {
                let place = format!("{}:{}", id.ledger_id, id.entry_id);
                frames.send(flow(1)).await?;
                frames.send(acknowledgement(id)).await?;
                metrics::counter!("tributary_undecodable_entries_total", "topic" => topic)
                    .increment(1);
                tracing::error!(
                    topic,
                    partition,
                    place,
                    %fault,
                    "an entry of the broker's cannot be decoded: it is taken out of the subscription, see docs/runbooks/undecodable.md"
                );
            }
        }
    }
    frames.close().await
}

/// A connection to the broker of which frames are read one by one.
struct Frames {
    framed: Framed<Box<dyn Stream>, LengthDelimitedCodec>,
}

impl Frames {
    /// Greets the broker that has the partition, and subscribes there.
    async fn open(
        subscription: &Subscription,
        client: &Pulsar<TokioExecutor>,
    ) -> Result<Self, LookError> {
        let settings = subscription.client.settings();
        let topic = settings.partition_name(subscription.topic, subscription.partition);
        let (client, named) = (client.clone(), topic.clone());
        let looking_up = to_its_end(async move { Box::pin(client.lookup_topic(named)).await });
        let address = timeout(ANSWERS_WITHIN, looking_up).await;
        let address = address.map_err(|_| LookError::TimedOut)??;
        let server = Server::parse(address.url.as_str()).ok_or(LookError::Away)?;
        let stream = server.dial(settings.authorities.as_ref()).await?;
        let codec = LengthDelimitedCodec::builder()
            .max_frame_length(MAX_FRAME)
            .new_codec();
        let mut frames = Self {
            framed: Framed::new(stream.ok_or(LookError::Away)?, codec),
        };
        let proxied = address.proxy.then_some(address.broker_url);
        let greeting = refusal::greeting(settings.token.clone(), proxied).await?;
        frames.ask(greeting, |it| it.connected.is_some()).await?;
        let subscribe = CommandSubscribe {
            topic,
            subscription: subscription.follower.name().to_owned(),
            sub_type: SubType::Failover.into(),
            consumer_id: CONSUMER,
            request_id: SUBSCRIBING,
            consumer_name: Some(seniority::name(subscription.follower)),
            priority_level: Some(seniority::priority()),
            durable: Some(true),
            initial_position: Some(InitialPosition::Earliest.into()),
            ..CommandSubscribe::default()
        };
        let subscribe = BaseCommand {
            r#type: Type::Subscribe.into(),
            subscribe: Some(subscribe),
            ..BaseCommand::default()
        };
        frames.ask(subscribe, |it| it.success.is_some()).await?;
        Ok(frames)
    }

    async fn send(&mut self, command: BaseCommand) -> Result<(), LookError> {
        let mut bytes = BytesMut::new();
        let payload = None;
        let encoded = Codec.encode(Message { command, payload }, &mut bytes);
        encoded.map_err(pulsar::Error::Connection)?;
        // Its length is put before it here.
        bytes.advance(size_of::<u32>());
        let sending = timeout(ANSWERS_WITHIN, self.framed.send(bytes.freeze())).await;
        Ok(sending.map_err(|_| LookError::TimedOut)??)
    }

    async fn next(&mut self) -> Result<Frame, LookError> {
        let frame = self.framed.next().await.ok_or(LookError::Away)?;
        Frame::parse(frame?.freeze()).ok_or(LookError::NoFrame)
    }

    /// Sends a command and waits for its answer, whatever else comes before that.
    async fn ask(
        &mut self,
        command: BaseCommand,
        is_answer: fn(&BaseCommand) -> bool,
    ) -> Result<(), LookError> {
        self.send(command).await?;
        let answered = async {
            loop {
                let command = self.next().await?.command;
                if let Some(error) = command.error {
                    return Err(LookError::Refused(error.message));
                }
                if is_answer(&command) {
                    return Ok(());
                }
            }
        };
        let answered = timeout(ANSWERS_WITHIN, answered).await;
        answered.map_err(|_| LookError::TimedOut)?
    }

    /// The broker answers in order: with its answer to this it has had every acknowledgement.
    async fn close(&mut self) -> Result<(), LookError> {
        let close = CommandCloseConsumer {
            consumer_id: CONSUMER,
            request_id: CLOSING,
        };
        let close = BaseCommand {
            r#type: Type::CloseConsumer.into(),
            close_consumer: Some(close),
            ..BaseCommand::default()
        };
        let is_answer = |it: &BaseCommand| {
            it.success
                .as_ref()
                .is_some_and(|it| it.request_id == CLOSING)
        };
        self.ask(close, is_answer).await
    }
}

fn flow(message_permits: u32) -> BaseCommand {
    BaseCommand {
        r#type: Type::Flow.into(),
        flow: Some(CommandFlow {
            consumer_id: CONSUMER,
            message_permits,
        }),
        ..BaseCommand::default()
    }
}

fn acknowledgement(id: MessageIdData) -> BaseCommand {
    BaseCommand {
        r#type: Type::Ack.into(),
        ack: Some(CommandAck {
            consumer_id: CONSUMER,
            ack_type: AckType::Individual.into(),
            message_id: vec![id],
            validation_error: Some(ValidationError::BatchDeSerializeError.into()),
            ..CommandAck::default()
        }),
        ..BaseCommand::default()
    }
}

/// What is wrong with an entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it has no checksum")]
    NoChecksum,
    #[error("it has no payload")]
    NoPayload,
    #[error("it is compressed")]
    Compressed,
    #[error(
        "it would take too much memory, or says that it has more messages than there is room for"
    )]
    TooLargeApart,
    #[error("it is a batch of {0} messages")]
    Count(i32),
    #[error("message {0} of its batch cannot be read")]
    Message(u32),
    #[error("it cannot be decoded: {0}")]
    Undecodable(String),
}

/// `[size of the command][command]`, and behind a message's command what somebody published:
/// `[0x0e01][checksum][size of the metadata][metadata][payload]`.
struct Frame {
    bytes: Bytes,
    command: BaseCommand,
    published: Bytes,
}

impl Frame {
    fn parse(bytes: Bytes) -> Option<Self> {
        let mut rest = bytes.clone();
        let size = usize::try_from(rest.try_get_u32().ok()?).ok()?;
        let command = BaseCommand::decode(rest.get(..size)?).ok()?;
        let published = rest.split_off(size);
        Some(Self {
            bytes,
            command,
            published,
        })
    }

    /// As it came, with its size before it.
    fn sized(&self) -> BytesMut {
        let mut bytes = BytesMut::with_capacity(size_of::<u32>() + self.bytes.len());
        bytes.put_u32(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        bytes.put_slice(&self.bytes);
        bytes
    }

    /// Which entry it brings, if it brings one.
    fn entry(&self) -> Option<MessageIdData> {
        self.command
            .message
            .as_ref()
            .map(|it| it.message_id.clone())
    }

    /// How many messages its entry has, all of which the client reads.
    fn read(&self) -> Result<u32, Fault> {
        if self.published.is_empty() {
            return Err(Fault::NoPayload);
        }
        if !self.published.starts_with(&HAS_CHECKSUM) {
            return Err(Fault::NoChecksum);
        }
        let summed = self.published.get(HAS_CHECKSUM.len() + size_of::<u32>()..);
        if summed.is_some_and(crc::entry::is_too_large_apart) {
            return Err(Fault::TooLargeApart);
        }
        let payload = match Codec.decode(&mut self.sized()) {
            Ok(read) => read.and_then(|it| it.payload).ok_or(Fault::NoPayload)?,
            // The broker checked it when it came: it was damaged on its way here, and is whole there.
            Err(error) if error.to_string().contains("Checksum mismatch") => return Ok(1),
            Err(error) => return Err(Fault::Undecodable(error.to_string())),
        };
        if payload.metadata.compression() != CompressionType::None {
            return Err(Fault::Compressed);
        }
        let Some(messages) = payload.metadata.num_messages_in_batch else {
            return Ok(1);
        };
        let count = u32::try_from(messages).ok().filter(|it| *it > 0);
        let count = count.ok_or(Fault::Count(messages))?;
        let mut rest = &payload.data[..];
        for index in 0..count {
            rest = behind_message(rest).ok_or(Fault::Message(index))?;
        }
        Ok(count)
    }
}

/// What stands behind the first message of a batch: `[size of its metadata][metadata][payload]`.
fn behind_message(mut batch: &[u8]) -> Option<&[u8]> {
    let size = usize::try_from(batch.try_get_u32().ok()?).ok()?;
    let (metadata, rest) = batch.split_at_checked(size)?;
    let metadata = SingleMessageMetadata::decode(metadata).ok()?;
    rest.get(usize::try_from(metadata.payload_size).ok()?..)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use pulsar::Payload;
    use pulsar::proto::{CommandMessage, MessageMetadata};

    use super::*;

    fn frame(metadata: MessageMetadata, data: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::new();
        let message = Message {
            command: BaseCommand {
                r#type: Type::Message.into(),
                message: Some(CommandMessage::default()),
                ..BaseCommand::default()
            },
            payload: Some(Payload {
                metadata,
                data: data.to_vec(),
            }),
        };
        Codec.encode(message, &mut bytes).unwrap();
        bytes.split_off(size_of::<u32>())
    }

    fn read(bytes: BytesMut) -> Result<u32, Fault> {
        Frame::parse(bytes.freeze()).unwrap().read()
    }

    fn batch(messages: i32) -> MessageMetadata {
        MessageMetadata {
            num_messages_in_batch: Some(messages),
            ..MessageMetadata::default()
        }
    }

    #[test]
    fn an_entry_is_read_as_the_client_reads_it() {
        let one = SingleMessageMetadata {
            payload_size: 3,
            ..SingleMessageMetadata::default()
        };
        let mut two = Vec::new();
        for payload in [b"abc", b"def"] {
            two.extend_from_slice(&u32::try_from(one.encoded_len()).unwrap().to_be_bytes());
            one.encode(&mut two).unwrap();
            two.extend_from_slice(payload);
        }
        let compressed = MessageMetadata {
            compression: Some(CompressionType::Lz4.into()),
            ..MessageMetadata::default()
        };
        let large = MessageMetadata {
            uuid: Some("a".repeat(1 << 20)),
            ..batch(200)
        };
        for (metadata, data, expected) in [
            (MessageMetadata::default(), &b"abc"[..], Ok(1)),
            (batch(2), &two, Ok(2)),
            (batch(1), &two, Ok(1)),
            (batch(3), &two, Err(Fault::Message(2))),
            (batch(2), &two[..two.len() - 1], Err(Fault::Message(1))),
            (batch(i32::MAX), &two, Err(Fault::TooLargeApart)),
            (batch(0), &two, Err(Fault::Count(0))),
            (batch(-1), &two, Err(Fault::TooLargeApart)),
            (compressed, b"abc", Err(Fault::Compressed)),
            (large, &two.repeat(100), Err(Fault::TooLargeApart)),
        ] {
            assert_eq!(read(frame(metadata, data)), expected);
        }
    }

    #[test]
    fn what_was_damaged_on_its_way_is_left_where_it_is() {
        let mut bytes = frame(MessageMetadata::default(), b"abc");
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(read(bytes), Ok(1));
    }

    #[test]
    fn what_is_no_frame_is_none() {
        let whole = frame(MessageMetadata::default(), b"abc").freeze();
        let command =
            4 + usize::try_from(u32::from_be_bytes(whole[..4].try_into().unwrap())).unwrap();
        for end in 0..command {
            assert!(Frame::parse(whole.slice(..end)).is_none(), "{end}");
        }
        let alone = Frame::parse(whole.slice(..command)).unwrap();
        assert_eq!(alone.read(), Err(Fault::NoPayload));
    }
}
