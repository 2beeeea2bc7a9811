#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/identity.hpp"
#include "core/incremental.hpp"
#include "core/outcome.hpp"

namespace pawl::core {

/// Which walks go first: offers of a higher class are always leased before those of a lower one. The numbers stand in
/// the catalogue.
enum class SliceClass : std::uint8_t {
    live = 0,       ///< what `run` keeps up to date
    on_demand = 1,  ///< what a person waits for: `sync`
    backfill = 2,   ///< history
};
inline constexpr std::array slice_classes{SliceClass::live, SliceClass::on_demand, SliceClass::backfill};
[[nodiscard]] std::string_view to_string(SliceClass slice_class);

/// What a collector must know of a slice to walk it without asking Postgres: rides in Redis beside the frontier.
struct SliceDescriptor {
    SliceId slice = 0;
    std::int64_t partition = 0;
    std::string stream;
    std::string part;               ///< canonical text of the partition's key
    std::string request_hash;       ///< the spec it was planned with: a collector that holds another leaves it alone
    std::string parent = "{}";      ///< JSON object: parent.x of this walk
    std::string list = "{}";        ///< JSON object: list.x
    SliceClass slice_class = SliceClass::backfill;
    bool revisit = false;           ///< an earlier walk finished, so validators may exist
    Window window;                  ///< incremental: what this walk asks for
    std::int64_t begun = 0;         ///< when the walk began, microseconds since 1970

    [[nodiscard]] std::string encode() const;                                // JSON text
    [[nodiscard]] static SliceDescriptor decode(std::string_view json);      // throws PermanentError
};

/// The last committed page of a slice, or its genesis (seq 0) before the first: the truth, in Postgres.
struct Tip {
    SliceId slice = 0;
    std::int64_t seq = 0;
    Link link;
    std::optional<std::string> cursor;  ///< asks for page seq+1; nullopt: the first request
};

/// A page on the queue. Everything a worker needs to store it without asking anyone.
struct Job {
    static constexpr int version = 1;

    SliceId slice = 0;
    std::int64_t partition = 0;
    std::int64_t seq = 0;                     ///< 1, 2, 3 …
    Link link, previous;
    std::string source, stream, part, request_hash;
    Outcome outcome = Outcome::ok;
    int status = 0;                           ///< HTTP
    std::string reason;                       ///< in words, when outcome is neither ok nor not_modified
    std::string url;                          ///< as asked, secrets removed
    std::optional<std::string> cursor;        ///< that asked for this page; nullopt: the first
    std::optional<std::string> next_cursor;   ///< asks for the next; nullopt only when `last`
    bool last = false;                        ///< the walk ends here
    Shift shift = Shift::none;                ///< how it continues the page before, in a numbered list
    bool split = false;                       ///< last: the API's ceiling cut the window off, its halves are to be walked
    bool rewalk = false;                      ///< last: records moved while the list was walked, or its cursor expired; it is worth another walk
    std::int64_t requested_at = 0;            ///< Redis TIME of the reservation, microseconds: the rows' version
    std::int64_t fetched_at = 0;              ///< collector's wall clock, microseconds
    std::string parent = "{}", list = "{}";   ///< of the descriptor
    Window window;                            ///< of the descriptor
    std::int64_t begun = 0;                   ///< of the descriptor
    std::string link_header;                  ///< RFC 8288, when an expression uses link.
    std::vector<std::pair<std::string, std::string>> headers;  ///< those that expressions use, lower-case names
    std::string validator_key;                ///< sha256 over normalized URL and Accept; "" : none to keep
    std::string etag, last_modified;
    std::int64_t confirms = 0;                ///< not_modified: page_id of the page whose rows are confirmed
    std::string body;                         ///< zstd; empty when there is none
    std::uint64_t body_size = 0;              ///< before compression
    std::string body_hash;                    ///< sha256 of the uncompressed body, hex; "" when there is none

    /// Two fields of a queue entry: the envelope (JSON text) and the body as it is.
    [[nodiscard]] std::string encode_envelope() const;
    /// Throws PermanentError when it does not parse, UnknownVersion when it was written by a newer pawl.
    [[nodiscard]] static Job decode(std::string_view envelope, std::string body);
};

/// A job of a version this pawl does not know: parked, never a dead letter.
struct UnknownVersion : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// zstd. Bounded: decompress throws PermanentError beyond `bytes_max`; its result has JsonDocument::padding to spare.
[[nodiscard]] std::string compress(std::string_view body);
[[nodiscard]] std::string decompress(std::string_view zstd, std::size_t bytes_max);

}  // namespace pawl::core
