#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/source_file.hpp"
#include "core/source_map.hpp"

/// The parts of a source file, each read by one function (internal to core/source_*.cpp). They
/// report problems and return what could be read.
namespace pawl::core::reading {

// source_access.cpp: who we are to the API
[[nodiscard]] std::optional<Credentials> read_credentials(const MapReader& file,
                                                          Problems& problems);
[[nodiscard]] std::optional<Auth> read_auth(const MapReader& file, Problems& problems);
/// A value that must never be shown, however it was written; absent is reported.
[[nodiscard]] std::string read_secret(const MapReader& map, std::string_view name);

// source_grants.cpp: tokens that renew themselves
[[nodiscard]] TokenGrant read_oauth2(const MapReader& auth, Problems& problems);
[[nodiscard]] TokenGrant read_jwt(const MapReader& auth, Problems& problems);
void read_session(const MapReader& map, Auth& auth, Problems& problems);
/// `inject`: how a key goes into a request, where `map` says so.
void read_inject(const MapReader& map, std::string& header, std::string& query, Template& text, Problems& problems);
/// A body that is the same for all requests: its text and its Content-Type. What stands in it counts as secret.
[[nodiscard]] std::pair<std::string, std::string> read_fixed_body(const MapReader& map, Problems& problems);

// source_limits.cpp: how fast it may be asked
[[nodiscard]] std::vector<Limit> read_limits(const MapReader& file, Problems& problems);
[[nodiscard]] Feedback read_feedback(const MapReader& file, const std::vector<Limit>& limits,
                                     Problems& problems);

// source_errors.cpp: what responses that are no pages mean
[[nodiscard]] std::vector<ErrorRule> read_errors(const MapReader& file, Problems& problems);
/// What holds behind the file's own rules. `has_credentials`: a refused key can be put aside.
[[nodiscard]] std::vector<ErrorRule> default_errors(bool has_credentials,
                                                    const std::string& retry_after);

// source_pagination.cpp: how the next page is found
struct PageBounds {
    std::optional<std::int64_t> max_pages;
    std::optional<Pagination::OnMax> on_max;
};
[[nodiscard]] PageBounds read_page_bounds(const MapReader& map);
/// `paginate` as a word or a map, and the bounds it names itself.
struct PaginationPart {
    Pagination pagination;
    PageBounds bounds;
};
[[nodiscard]] PaginationPart read_pagination(const YamlNode& node, Problems& problems);

// source_body.cpp: what is sent, and where values go in it
/// `method` and `body`; a body makes POST the default.
void read_method_and_body(const MapReader& map, Stream& stream, Problems& problems);
/// `query.NAME` or `body.PATH`.
[[nodiscard]] Into read_into(const YamlNode& node, std::string_view name, Problems& problems);
/// Places in a body that the stream does not have.
void check_places(const MapReader& map, const Stream& stream, Problems& problems);

// source_incremental.cpp: only what is new
/// `incremental`, held against the stream's tables and pagination.
void read_incremental(const MapReader& stream_map, Stream& stream, Problems& problems);

// source_foreach.cpp: what a stream is asked for
[[nodiscard]] Foreach read_foreach(const YamlNode& node, Problems& problems);

// source_emits.cpp: where the records go
[[nodiscard]] std::vector<Emit> read_emits(const MapReader& stream, const std::string& name,
                                           Problems& problems);

// source_records.cpp: where the records are
void read_records(const MapReader& map, Stream& stream, Problems& problems);

// source_streams.cpp: one kind of request
using NamedTemplates = std::vector<std::pair<std::string, Template>>;
/// Defaults that streams start from.
struct StreamDefaults {
    NamedTemplates query, headers;
    PaginationPart paginate;
    PageBounds bounds;
    bool conditional = false, etag_per_owner = false;
    std::optional<Micros> refresh;
};
[[nodiscard]] StreamDefaults read_stream_defaults(const MapReader& file, Problems& problems);
[[nodiscard]] Stream read_stream(const YamlNode::Member& member, const StreamDefaults& defaults,
                                 const std::string& base_url, Problems& problems);

// source_checks.cpp: do the parts fit together
/// Parents, tables, keys, placeholders. `root` is the file, to point into it.
void check_streams(const SourceFile& source, const YamlNode& root, Problems& problems);

// source_names.cpp: what streams use, and their hashes
/// Fills parent_columns, header_names, request_hash, mapping_hash and what is looked at in a page; `limits` may look there
/// for a request's cost.
void complete_stream(Stream& stream, const std::vector<Limit>& limits);
/// All expressions of a stream: records, paging, emits.
[[nodiscard]] std::vector<Expression> expressions_of(const Stream& stream);

}  // namespace pawl::core::reading
