#include <libpq-fe.h>
#include <poll.h>

#include <cstdlib>
#include <memory>
#include <regex>
#include <set>
#include <utility>

#include "core/redact.hpp"
#include "storage/connection.hpp"

namespace pawl::storage {
namespace {

// Bounds on what a session may hold up: a lock for 10 s, a statement for 2 min (long ones say so by
// `set local`), an open transaction that does nothing for 1 min. UTC and ISO make texts of times
// the same in every session.
constexpr std::string_view session_settings =
    "-c statement_timeout=120s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c "
    "timezone=UTC"
    " -c datestyle=ISO -c client_min_messages=warning";
constexpr int connect_timeout_s = 10;

// A peer that vanished without a word (a host lost its power, a firewall its state) must not hold a
// writer for the kernel's two hours: a silent connection is dead after 30 + 3 × 10 s, one that
// leaves what we sent without acknowledgement after 60 s. A server that works on a long statement
// still acknowledges. On unix sockets libpq leaves them out.
constexpr std::pair<const char*, const char*> liveness[] = {{"keepalives_idle", "30"},
                                                            {"keepalives_interval", "10"},
                                                            {"keepalives_count", "3"},
                                                            {"tcp_user_timeout", "60000"}};

struct FreeOptions {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};

std::string keyword(std::string_view name, std::string_view value) {
    std::string text = std::string(name) + "='";
    for (const char c : value) {
        if (c == '\'' || c == '\\') text += '\\';
        text += c;
    }
    return text + "' ";
}

bool in_environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

/// A password with an unescaped `@` or `/` splits a URL at the wrong place: libpq would then show
/// parts of it as host or port in its error messages.
bool looks_split(std::string_view name, std::string_view value) {
    if (name == "host") return value.find('@') != std::string_view::npos;
    return name == "port" && value.find_first_not_of("0123456789,") != std::string_view::npos;
}

[[noreturn]] void refuse_url() {
    throw core::ConfigError(
        "postgres.url is no connection string that libpq can read (a URL "
        "postgresql://user@host:port/database with"
        " special characters as %XX, or key=value pairs)");
}

/// The server's SQLSTATE for a connection attempt; "" where it was not reached.
std::string refusal_sqlstate(const std::string& target) {
    const std::unique_ptr<PGconn, Finish> connection(PQconnectStart(target.c_str()));
    if (!connection) return {};
    PQsetErrorVerbosity(connection.get(), PQERRORS_SQLSTATE);
    auto state = PGRES_POLLING_WRITING;
    while (state == PGRES_POLLING_WRITING || state == PGRES_POLLING_READING) {
        pollfd waiting{PQsocket(connection.get()),
                       static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
        if (PQsocket(connection.get()) < 0 || ::poll(&waiting, 1, connect_timeout_s * 1000) <= 0)
            return {};
        state = PQconnectPoll(connection.get());
    }
    const std::string message = PQerrorMessage(connection.get());
    static const std::regex code(R"(:\s+([0-9A-Z]{5})\s*$)");
    std::smatch match;
    return std::regex_search(message, match, code) ? match[1].str() : std::string();
}

}  // namespace

std::string connection_string(const std::string& url) {
    char* fault = nullptr;
    const std::unique_ptr<PQconninfoOption, FreeOptions> given(
        PQconninfoParse(url.c_str(), &fault));
    if (fault != nullptr) PQfreemem(fault);  // not shown: it may quote a part of a password
    if (!given) refuse_url();
    std::string text;
    std::set<std::string> names;
    for (const PQconninfoOption* option = given.get(); option->keyword != nullptr; ++option) {
        if (option->val == nullptr) continue;
        if (looks_split(option->keyword, option->val)) refuse_url();
        names.insert(option->keyword);
        if (std::string_view(option->keyword) == "password") core::remember_secret(option->val);
        text += keyword(option->keyword, option->val);
    }
    if (const char* password = std::getenv("PGPASSWORD")) core::remember_secret(password);
    // A service file may set any of these: what it says must not be overridden here.
    const bool service = names.contains("service") || in_environment("PGSERVICE");
    if (!names.contains("fallback_application_name"))
        text += keyword("fallback_application_name", "pawl");
    if (!names.contains("connect_timeout") && !service && !in_environment("PGCONNECT_TIMEOUT")) {
        text += keyword("connect_timeout", std::to_string(connect_timeout_s));
    }
    for (const auto& [name, value] : liveness)
        if (!names.contains(name) && !service) text += keyword(name, value);
    if (!names.contains("options") && !service && !in_environment("PGOPTIONS")) {
        text += keyword("options", session_settings);
    }
    return text;
}

void throw_connect_error(const std::string& target, std::string_view message) {
    throw_sql_error(refusal_sqlstate(target), message);
}

}  // namespace pawl::storage
