import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.pulsar.client.api.AuthenticationFactory;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;
import tributary.tracking_commands.Envelope;
import tributary.tracking_commands.Payload;
import tributary.tracking_commands.RecordEventV1;

/**
 * Reports a purchase to tracking with the stock Pulsar client and the classes that Avro generates from
 * schemas/avro/tracking-commands.avsc, with or without stringType=String, signed with the key of an external producer.
 *
 * <p>Arguments: service URL, tenant, namespace, schema file, source, key id, campaign, order, user, amount. The secret comes
 * from the variable PRODUCER_SECRET, the broker's token, where it asks for one, from BROKER_TOKEN. Prints the command's id.
 */
public final class PublishPurchase {
    private static final String TOPIC = "tracking-commands";

    public static void main(String[] args) throws Exception {
        String source = args[4];
        Envelope envelope = purchase(source, args[6], args[7], args[8], args[9]);
        byte[] bytes = encode(envelope);
        var client = PulsarClient.builder().serviceUrl(args[0]);
        String token = System.getenv("BROKER_TOKEN");
        if (token != null) {
            client.authentication(AuthenticationFactory.token(token));
        }
        // The registered text: a class that was generated with stringType=String says more than it, and is refused.
        var schema = new org.apache.avro.Schema.Parser().parse(Files.readString(Path.of(args[3])));
        String topic = "persistent://" + args[1] + "/" + args[2] + "/" + TOPIC;
        try (PulsarClient pulsar = client.build();
                Producer<byte[]> producer = pulsar.newProducer(Schema.NATIVE_AVRO(schema)).topic(topic).create()) {
            producer.newMessage()
                    .value(bytes)
                    .property("id", envelope.getId().toString())
                    .property("type", envelope.getType().toString())
                    .property("source", source)
                    .property("subject", envelope.getSubject().toString())
                    .property("correlationid", envelope.getCorrelationid().toString())
                    .property("signature", signature(args[5], System.getenv("PRODUCER_SECRET"), source, bytes))
                    .send();
        }
        System.out.println(envelope.getId());
    }

    /** Subject and key of a report are tracking's to derive. */
    private static Envelope purchase(String source, String campaign, String order, String user, String amount) {
        var report = RecordEventV1.newBuilder()
                .setEventType("purchase")
                .setUserId(user)
                .setAmount(amount)
                .setOrderId(order)
                .setCampaignId(campaign)
                .build();
        return Envelope.newBuilder()
                .setId(UUID.randomUUID().toString())
                .setType("tracking.record_event.command.v1")
                .setSource(source)
                .setSubject("")
                .setKey("")
                .setTime(Instant.now().truncatedTo(ChronoUnit.MICROS))
                .setCorrelationid(UUID.randomUUID().toString())
                .setPayload(Payload.newBuilder().setRecordEventV1(report).build())
                .build();
    }

    private static byte[] encode(Envelope envelope) throws IOException {
        var bytes = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
        new SpecificDatumWriter<>(Envelope.class).write(envelope, encoder);
        encoder.flush();
        return bytes.toByteArray();
    }

    /** The key's id and HMAC-SHA-256 over label, source, topic and the exact bytes, as base64url without padding. */
    private static String signature(String keyId, String secret, String source, byte[] bytes) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        String label = "tributary producer message v1\n" + source + "\n" + TOPIC + "\n";
        mac.update(label.getBytes(StandardCharsets.UTF_8));
        return keyId + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal(bytes));
    }
}
