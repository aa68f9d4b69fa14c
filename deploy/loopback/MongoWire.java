import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import org.h2.mvstore.MVStore;

/** A server of MongoDB's wire protocol on one file: java -cp … MongoWire.java FILE PORT. */
class MongoWire {
    public static void main(String[] args) {
        MVStore file = new MVStore.Builder().fileName(args[0]).autoCommitDisabled().open();
        H2Backend backend = new H2Backend(file) {
            /** One command at a time, each whole in the file before it is answered: the backend alone writes once a second. */
            @Override
            public synchronized Document handleMessage(MongoMessage message) {
                Document answer = super.handleMessage(message);
                commit();
                return answer;
            }
        };
        backend.version(new MongoVersion() { // what it calls itself is too old for PyMongo; what it does is not
            @Override
            public List<Integer> getVersionArray() {
                return List.of(4, 4, 0);
            }

            @Override
            public int getWireVersion() {
                return 9;
            }
        });
        MongoServer server = new MongoServer(backend);
        server.bind("127.0.0.1", Integer.parseInt(args[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    }
}
