import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.PulsarClientException;
import org.apache.pulsar.client.api.schema.SchemaDefinition;

/** What generated classes can do, for a test: prints one line for each thing that it did. */
public final class Generated {
    public static void main(String[] args) throws Exception {
        if (args[0].equals("samples")) {
            samples(Path.of(args[1]));
        } else {
            open(args[1], args[2]);
        }
    }

    /** Reads each sample of each topic with its class, and writes it again, byte for byte. */
    private static void samples(Path golden) throws Exception {
        for (Path topic : sorted(golden)) {
            if (!Files.isDirectory(topic)) {
                continue;
            }
            String name = topic.getFileName().toString();
            Class<?> envelope = Class.forName("tributary." + name.replace('-', '_') + ".Envelope");
            Schema schema = (Schema) envelope.getMethod("getClassSchema").invoke(null);
            SpecificData data = SpecificData.getForClass(envelope);
            var reader = new SpecificDatumReader<SpecificRecordBase>(schema, schema, data);
            var writer = new SpecificDatumWriter<SpecificRecordBase>(schema, data);
            for (Path file : sorted(topic)) {
                if (!file.toString().endsWith(".avro")) {
                    continue;
                }
                byte[] bytes = Files.readAllBytes(file);
                BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
                SpecificRecordBase record = reader.read(null, decoder);
                var written = new ByteArrayOutputStream();
                BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(written, null);
                writer.write(record, encoder);
                encoder.flush();
                if (!decoder.isEnd() || !Arrays.equals(bytes, written.toByteArray())) {
                    throw new IllegalStateException(file + " is written otherwise than it was read");
                }
                Object type = record.get("type");
                System.out.println(name + " " + type + " " + record.get("id") + " " + type.getClass().getSimpleName());
            }
        }
    }

    /** Whether a producer may open with the schema of the class. */
    private static void open(String serviceUrl, String topic) throws Exception {
        var definition = SchemaDefinition.<tributary.tracking_commands.Envelope>builder()
                .withPojo(tributary.tracking_commands.Envelope.class)
                .withJSR310ConversionEnabled(true)
                .build();
        var schema = org.apache.pulsar.client.api.Schema.AVRO(definition);
        try (PulsarClient client = PulsarClient.builder().serviceUrl(serviceUrl).build()) {
            client.newProducer(schema).topic(topic).create().close();
            System.out.println("opened");
        } catch (PulsarClientException.IncompatibleSchemaException refused) {
            System.out.println("refused");
        }
    }

    private static List<Path> sorted(Path folder) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }
}
