#include "storage/pq_connection.hpp"

#include <libpq-fe.h>

#include <charconv>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/redact.hpp"
#include "storage/connection.hpp"
#include "storage/identifier.hpp"

namespace pawl::storage {

namespace {

std::string one_line(const char* message) {
    std::string text = message == nullptr ? "" : message;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    for (char& c : text)
        if (c == '\n') c = ' ';
    return core::redact(text);
}

std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? "" : text;
}

bool is_failure(ExecStatusType status) {
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY;
}

}  // namespace

void PqResult::clear(pg_result* result) { PQclear(result); }
int PqResult::rows() const { return PQntuples(result_.get()); }
bool PqResult::is_null(int row, int column) const {
    return PQgetisnull(result_.get(), row, column) == 1;
}

std::string_view PqResult::text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t PqResult::integer(int row, int column) const {
    const std::string_view digits = text(row, column);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size())
        throw std::logic_error("not an integer in a result: " + std::string(digits));
    return number;
}

void PqArray::separate() {
    if (text_.size() > 1) text_ += ',';
}

PqArray& PqArray::add(std::int64_t number) {
    separate();
    text_ += std::to_string(number);
    return *this;
}

PqArray& PqArray::add(bool value) {
    separate();
    text_ += value ? 't' : 'f';
    return *this;
}

PqArray& PqArray::add(std::string_view text) {
    separate();
    text_ += '"';
    for (const char c : valid_text(text)) {
        if (c == '"' || c == '\\') text_ += '\\';
        text_ += c;
    }
    text_ += '"';
    return *this;
}

PqArray& PqArray::add(const std::optional<std::string>& text) {
    if (text) return add(std::string_view(*text));
    separate();
    text_ += "NULL";
    return *this;
}

PqConnection::PqConnection(const std::string& url) : connection_(nullptr, &PQfinish) {
    const std::string target = connection_string(url);
    connection_.reset(PQconnectdb(target.c_str()));
    // What the server remarks ("already exists, skipping") is nobody's business on stderr.
    PQsetNoticeProcessor(
        connection_.get(), [](void*, const char*) {}, nullptr);
    if (PQstatus(connection_.get()) != CONNECTION_OK)
        throw_connect_error(target, one_line(PQerrorMessage(connection_.get())));
}

bool PqConnection::is_usable() const { return PQstatus(connection_.get()) == CONNECTION_OK; }

void PqConnection::fail(const pg_result* result, const std::string& doing) const {
    std::string state = result == nullptr ? "" : field(result, PG_DIAG_SQLSTATE);
    if (state.empty() || !is_usable()) {
        const bool killed = state.starts_with("57") || state.starts_with("08");
        if (!killed) state = is_usable() ? "XX000" : "08006";
        throw SqlError(state, doing + ": " + one_line(PQerrorMessage(connection_.get())));
    }
    std::string what = doing + ": " + field(result, PG_DIAG_MESSAGE_PRIMARY);
    const std::string detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    const std::string context = field(result, PG_DIAG_CONTEXT);
    if (!detail.empty()) what += " (" + detail + ")";
    if (context.starts_with("COPY ")) what += " in " + context.substr(0, 300);
    throw SqlError(state, one_line(what.c_str()), field(result, PG_DIAG_TABLE_NAME));
}

void PqConnection::drain() noexcept {
    while (PGresult* left = PQgetResult(connection_.get())) {
        const ExecStatusType status = PQresultStatus(left);
        PQclear(left);
        if (status == PGRES_COPY_IN) PQputCopyEnd(connection_.get(), "given up");
        if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) break;  // never asked for
    }
}

std::vector<PqResult> PqConnection::run_all(const std::string& sql) {
    if (PQsendQuery(connection_.get(), sql.c_str()) != 1) fail(nullptr, "Sending a statement");
    std::vector<PqResult> results;
    while (PGresult* next = PQgetResult(connection_.get())) {
        PqResult result(next);
        if (is_failure(PQresultStatus(next))) {
            drain();
            fail(next, "A statement");
        }
        results.push_back(std::move(result));
    }
    return results;
}

PqResult PqConnection::run(const std::string& sql) {
    std::vector<PqResult> results = run_all(sql);
    if (results.empty()) throw std::logic_error("no statement was run");
    return std::move(results.back());
}

PqResult PqConnection::run(const std::string& sql,
                           const std::vector<std::optional<std::string>>& parameters) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const auto& parameter : parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
    PGresult* raw = PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                                 nullptr, values.data(), nullptr, nullptr, 0);
    PqResult result(raw);
    if (raw == nullptr || is_failure(PQresultStatus(raw))) fail(raw, "A statement");
    return result;
}

void PqConnection::copy(const std::string& sql, std::string_view rows) {
    if (PQsendQuery(connection_.get(), sql.c_str()) != 1) fail(nullptr, "Sending COPY");
    bool copying = false;
    while (!copying) {
        PGresult* next = PQgetResult(connection_.get());
        PqResult result(next);
        if (next == nullptr)
            throw std::logic_error("the statement does not end in COPY FROM STDIN");
        copying = PQresultStatus(next) == PGRES_COPY_IN;
        if (!copying && is_failure(PQresultStatus(next))) {
            drain();
            fail(next, "Staging rows");
        }
    }
    constexpr std::size_t chunk = 64u << 10;  // libpq copies it before it sends: that stays in the cache
    while (!rows.empty()) {
        const std::string_view part = rows.substr(0, chunk);
        if (PQputCopyData(connection_.get(), part.data(), static_cast<int>(part.size())) != 1)
            fail(nullptr, "Sending rows");
        rows.remove_prefix(part.size());
    }
    if (PQputCopyEnd(connection_.get(), nullptr) != 1) fail(nullptr, "Sending rows");
    while (PGresult* next = PQgetResult(connection_.get())) {
        PqResult result(next);
        if (is_failure(PQresultStatus(next))) {
            drain();
            fail(next, "Staging rows");
        }
    }
}

void PqConnection::commit() {
    if (PQsendQuery(connection_.get(), "commit") != 1) fail(nullptr, "Sending COMMIT");
    while (const int left = PQflush(connection_.get())) {
        if (left < 0)
            throw core::TransientError("The connection was lost while COMMIT was sent", true);
    }
    core::hit(core::Failpoint::after_commit_sent);
    PGresult* answer = PQgetResult(connection_.get());
    PqResult result(answer);
    const bool committed = answer != nullptr && PQresultStatus(answer) == PGRES_COMMAND_OK;
    if (committed) {
        drain();
        // COMMIT of a failed transaction answers ROLLBACK without an error.
        if (std::string_view(PQcmdStatus(answer)) == "COMMIT") return;
        throw SqlError("25P02", "The transaction had failed before COMMIT");
    }
    if (!is_usable() || answer == nullptr || field(answer, PG_DIAG_SQLSTATE).empty())
        throw core::TransientError("The connection was lost after COMMIT was sent", true);
    drain();
    if (!is_usable())  // the server said why, and closed: it may have committed before
        throw core::TransientError("The connection was lost after COMMIT was sent", true);
    fail(answer, "COMMIT");
}

void PqConnection::rollback() noexcept {
    if (!is_usable()) return;
    drain();
    if (PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
    PQclear(PQexec(connection_.get(), "rollback"));
}

bool is_collision(const SqlError& error) {
    return error.is("40001") || error.is("40P01") || error.is("55P03");
}

void raise(const SqlError& error) { throw_sql_error(error.sqlstate, error.what()); }

}  // namespace pawl::storage
