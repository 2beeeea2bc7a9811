#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

/// The batch writer's connection: a thin shell over libpq (the rest of storage/ uses libpqxx, which
/// cannot share its connection or COPY from memory on Debian 12). Nothing lives longer than a
/// transaction: no prepared statements, no session settings, so PgBouncer in transaction mode
/// works. Blocks; one thread at a time.
namespace pawl::storage {

/// What the server said no to. Internal to the writer: `raise` turns it into one of
/// core/errors.hpp.
struct SqlError : std::runtime_error {
    SqlError(std::string state, const std::string& what, std::string table_name = {})
        : std::runtime_error(what), sqlstate(std::move(state)), table(std::move(table_name)) {}
    std::string sqlstate;  ///< five characters; "08006" where the connection is gone
    std::string table;     ///< the table it was about, where the server tells
    [[nodiscard]] bool is(std::string_view class_or_state) const {
        return std::string_view(sqlstate).starts_with(class_or_state);
    }
};

class PqResult {
  public:
    explicit PqResult(pg_result* result) : result_(result, &clear) {}
    [[nodiscard]] int rows() const;
    [[nodiscard]] std::string_view text(int row, int column) const;
    [[nodiscard]] bool is_null(int row, int column) const;
    [[nodiscard]] std::int64_t integer(int row, int column) const;
    [[nodiscard]] bool boolean(int row, int column) const { return text(row, column) == "t"; }

  private:
    static void clear(pg_result* result);
    std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

/// Builds the text of an array parameter, so that one statement takes any number of rows.
class PqArray {
  public:
    PqArray& add(std::int64_t number);
    PqArray& add(bool value);
    /// NUL and invalid UTF-8 become U+FFFD.
    PqArray& add(std::string_view text);
    PqArray& add(const std::string& text) { return add(std::string_view(text)); }
    PqArray& add(const std::optional<std::string>& text);
    PqArray& add(const char* text) { return add(std::string_view(text)); }
    [[nodiscard]] std::string str() const { return text_ + "}"; }

  private:
    void separate();
    std::string text_ = "{";
};

class PqConnection {
  public:
    /// Connects by connection_string(url): libpq reads PG* variables, service files and .pgpass
    /// itself. Throws core::TransientError while the server is away, core::ConfigError when it
    /// refuses us.
    explicit PqConnection(const std::string& url);

    /// Runs one or more statements without parameters; returns the last one's result. Throws
    /// SqlError.
    PqResult run(const std::string& sql);
    /// Runs statements without parameters in one round trip; a result for each. Throws SqlError.
    std::vector<PqResult> run_all(const std::string& sql);
    /// Runs one statement with text parameters (nullopt: null). Throws SqlError.
    PqResult run(const std::string& sql, const std::vector<std::optional<std::string>>& parameters);
    /// `sql` ends in `copy … from stdin`; what stands before it runs first. `rows` is the whole of
    /// the data, so the server never waits for us in the middle. Throws SqlError.
    void copy(const std::string& sql, std::string_view rows);
    /// Sends COMMIT and waits. Throws SqlError where the server refused it; core::TransientError
    /// with outcome_unknown where the connection was lost after it was sent.
    void commit();
    /// Rolls back; never throws. The connection is not usable when that failed.
    void rollback() noexcept;
    /// False once the connection is lost: drop the object.
    [[nodiscard]] bool is_usable() const;

  private:
    [[noreturn]] void fail(const pg_result* result, const std::string& doing) const;
    void drain() noexcept;

    std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
};

/// Throws what `error` means to the rest of pawl: TransientError (world not ready), ConfigError
/// (rights, missing tables, SQL of a source file) or PermanentError (the data's own fault).
[[noreturn]] void raise(const SqlError& error);
/// Worth trying again at once, in a new transaction: deadlock, serialization failure, lock timeout.
[[nodiscard]] bool is_collision(const SqlError& error);

}  // namespace pawl::storage
