#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/log.hpp"

namespace pawl::core {

/// Settings of a pawl process: pawl.yaml, overridden by environment (PAWL_REDIS_URL …), overridden by flags.
/// Every field here is a row of the table in settings_table.cpp, which the parser, `--help` and docs/operations.md follow.
struct Settings {
    struct Redis {
        std::string url;                       ///< redis://[user:password@]host:port[/db] or unix:///path; "" : a local server
        Millis command_timeout{5'000};
        std::size_t queue_bytes_max = 256u << 20;  ///< per source, compressed bodies on the queue
    } redis;
    struct Postgres {
        std::string url;                       ///< anything libpq takes; "" with no PG* variable set: a local server
        int writers = 2;                       ///< connections that commit batches
        std::size_t batch_bytes = 4u << 20;    ///< a batch is committed at this many bytes of bodies …
        std::size_t batch_pages = 64;          ///< … or pages …
        Millis batch_age{50};                  ///< … or age of its first page
    } postgres;
    struct Http {
        std::string listen = "127.0.0.1:9464"; ///< metrics, livez, readyz; "" : off (one-shot commands)
        int walks_max = 64;                    ///< slices walked at once by one process
        Millis connect_timeout{10'000};
        Millis request_timeout{60'000};
        std::size_t body_max = 32u << 20;      ///< after decompression
        std::string ca_file;                   ///< "" : the system's
        bool private_addresses = true;         ///< false refuses loopback, private and link-local targets
    } http;
    struct Log {
        log::Level level = log::Level::info;
        log::Format format = log::Format::human;
    } log;
    std::vector<std::string> sources;          ///< files or folders
    std::string state_dir;                     ///< local servers, slot locks; default: XDG state or /var/lib/pawl
    std::string secrets_dir;                   ///< `credentials: {from: {dir: …}}` relative to it; default $CREDENTIALS_DIRECTORY
    bool local = false;                        ///< --local
    bool migrate = true;                       ///< run migrations at start
    bool accept_changes = false;               ///< --accept-changes: begun walks of a table that was renamed begin anew
    Millis lease{30'000};                      ///< how long a collector may be silent before another takes its slice
    Millis drain{30'000};                      ///< how long a stop waits for work in hand
    std::size_t offers_max = 1'000;            ///< slices offered at a time per source and class
    std::string slot;                          ///< stable name of this process; default: host name and a number held by a file lock
};

/// Reads `file` ("" : pawl.yaml beside the caller if there, else defaults), then the environment (a copy of it), then `flags`
/// ("redis.url" → value). Throws ConfigError with every problem found, each with file:line:col.
[[nodiscard]] Settings load_settings(const std::string& file, const std::map<std::string, std::string>& environment,
                                     const std::map<std::string, std::string>& flags);

}  // namespace pawl::core
