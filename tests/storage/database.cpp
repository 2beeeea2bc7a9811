#include "tests/storage/database.hpp"

#include "core/identity.hpp"
#include "storage/migrate.hpp"
#include "tests/support/private_postgres.hpp"

namespace pawl::test {

namespace {

/// The database that all are copies of: making pawl's tables takes longer than copying them.
const std::string& migrated() {
    static const std::string name = [] {
        const auto url = PrivatePostgres::shared().new_database();
        storage::Connection connection(url);
        storage::migrate(connection);
        return url.substr(url.rfind('/') + 1);
    }();
    return name;
}

}  // namespace

Database::Database()
    : url_(PrivatePostgres::shared().new_database(migrated())),
      connection_(url_),
      pool_(std::make_shared<storage::ConnectionPool>(url_, std::make_shared<InlineOffload>())) {}

std::string Database::sql(const std::string& text) {
    std::string line;
    connection_.transact([&](pqxx::transaction_base& transaction) {
        const pqxx::result result = transaction.exec(text);
        if (result.empty()) return;
        for (const auto& cell : result[0]) {
            if (cell.num() > 0) line += ' ';
            line += cell.c_str();
        }
    });
    return line;
}

std::string message_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}

core::Stream stream_named(const std::string& name, const std::string& version) {
    core::Stream stream;
    stream.name = name;
    stream.request_hash = core::sha256_hex("request " + name + version);
    stream.mapping_hash = core::sha256_hex("mapping " + name + version);
    core::Emit emit;
    emit.table = name;
    emit.key = {"id"};
    stream.emits.push_back(emit);
    return stream;
}

std::shared_ptr<core::SourceFile> source_of(std::vector<core::Stream> streams) {
    auto source = std::make_shared<core::SourceFile>();
    source->name = "api";
    source->schema = "api";
    source->streams = std::move(streams);
    return source;
}

}  // namespace pawl::test
