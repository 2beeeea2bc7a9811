#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/expression.hpp"
#include "core/incremental.hpp"
#include "core/request_body.hpp"
#include "core/template.hpp"

/// A source file as the rest of pawl sees it: parsed, checked, compiled. How it is written is in docs/source-files.md;
/// how it is read is in core/source_parser.hpp.
namespace pawl::core {

struct Credentials {
    enum class From : std::uint8_t { env, file, dir };
    From from = From::env;
    std::string name;             ///< environment variable, file, or directory
    std::string inject_header;    ///< one of the two is set
    std::string inject_query;
    Template inject_value;        ///< "Bearer {key}"
    std::string owner_path;       ///< asked with a key whose account is not told; "" : none is
    std::optional<Expression> owner_select;  ///< the account in its answer
};

/// How a token that expires is asked for: OAuth 2 (RFC 6749), or a signed JWT that is exchanged for one.
struct TokenGrant {
    enum class Kind : std::uint8_t {
        client_credentials,
        refresh_token,
        jwt_bearer,     ///< the JWT is the Bearer of a POST: GitHub App
        jwt_assertion,  ///< the JWT is a form's `assertion` (RFC 7523): service accounts
        session,        ///< a login of the API's own kind
    };
    Kind kind = Kind::client_credentials;
    std::string url;                   ///< where tokens are given: https, or http on the loopback
    std::string client_id, client_secret;  ///< oauth2; the secret is "" for a public client
    bool secret_in_body = false;       ///< false: HTTP Basic
    std::string refresh_token;         ///< the first one; the API may give others in its place
    std::string scope, audience;       ///< "": not sent
    std::string issuer, key_id;        ///< jwt: `iss` and `kid`; "": no kid
    std::string private_key;           ///< jwt: RSA key, PEM
    std::string private_key_file;      ///< or the file that holds it
    std::vector<std::pair<std::string, std::string>> claims;  ///< jwt: more of them
    Micros lifetime = std::chrono::minutes(10);  ///< jwt: from iat to exp; session: where the answer does not tell
    std::string login, login_type;     ///< session: the body of the login and its Content-Type
    std::optional<Expression> token_at;  ///< session: where the token is in the answer; absent: in `cookie`
    std::string cookie;                ///< session: name of the cookie

    /// The API may give a new refresh token for each one that is used: then the new one must not be lost.
    [[nodiscard]] bool rotates() const { return kind == Kind::refresh_token; }
    [[nodiscard]] bool signs() const { return kind == Kind::jwt_bearer || kind == Kind::jwt_assertion; }
};

struct Auth {
    enum class Kind : std::uint8_t { bearer, basic, api_key, oauth2, jwt, session };
    Kind kind = Kind::bearer;
    std::optional<TokenGrant> grant;   ///< oauth2, jwt, session: the token renews itself
    std::string token;                 ///< bearer token or api key
    std::string user, password;        ///< basic
    std::string header, query;         ///< api_key, session: where it goes
    Template inject_value;             ///< session: text with {key} in it
};

/// One limit of the API. Every limit whose `match` fits the request's path must grant.
struct Limit {
    enum class Per : std::uint8_t { owner, key, source };
    enum class Algorithm : std::uint8_t {
        sliding,  ///< at most `count` in any period, evenly spaced but for `burst`
        bucket,   ///< `count` are added per period, at most `burst` are kept: an API that leaks or refills steadily
        fixed,    ///< `count` in each period of the clock in `timezone`: midnight to midnight, full hour to full hour
        adaptive, ///< nobody knows: found out from how the API answers, `count` and `concurrency` are its ceilings
    };
    std::string name;
    std::string match = "/**";      ///< glob over the URL path: `*` within a segment, `**` over segments
    Per per = Per::owner;
    std::int64_t count = 0;         ///< requests per `period`; 0: no rate in this limit
    Micros period{0};
    std::int64_t concurrency = 0;   ///< requests in flight; 0: no bound in this limit
    double reserve = 0;             ///< share of `count` left unused, 0 … 0.95
    std::int64_t burst = 0;         ///< sliding, bucket: requests at once; 0: 1
    Algorithm algorithm = Algorithm::sliding;  ///< where the API's own numbers do not say
    std::string timezone = "UTC";   ///< fixed: IANA name
    bool monthly = false;           ///< fixed: calendar months; `period` is then 31 days
    std::int64_t cost = 1;          ///< units of `count` that a request takes, where its stream does not say
    std::optional<Expression> cost_from;       ///< units it took, in its answer; `cost` is what is expected before
    std::int64_t start = 1;         ///< adaptive: units per period at first
};

struct Feedback {
    enum class ResetFormat : std::uint8_t { epoch, delta, iso8601, http_date };
    std::string limit, remaining, reset, retry_after;  ///< header names, lower case; empty: the API tells nothing
    ResetFormat reset_format = ResetFormat::epoch;
    std::string resource;                              ///< header that names the bucket
    std::map<std::string, std::string> resource_names; ///< its value → limit name
    std::set<int> free;                                ///< statuses that cost nothing
    bool ietf = false;                                 ///< RateLimit and RateLimit-Policy tell it, see collector/ietf_ratelimit.hpp
    std::map<std::string, std::string> policies;       ///< ietf: name of a policy → limit name
};

/// What to do with a response that is no page.
enum class Verdict : std::uint8_t { page, retry, rate_limited, quarantine_key, gone, cursor_expired, empty, truncated, fail };
[[nodiscard]] std::string_view to_string(Verdict verdict);

struct ErrorRule {
    std::vector<std::pair<int, int>> status;      ///< inclusive ranges; {500, 599} for 5xx; empty: any
    std::string body;                             ///< substring, ASCII case ignored; empty: any
    std::string header;                           ///< must be present, lower case; empty: any
    std::optional<std::string> header_value;      ///< and have this value
    Verdict verdict = Verdict::retry;
    int attempts = 12;
    Micros wait_min = std::chrono::seconds(2);
    Micros wait_max = std::chrono::minutes(10);
    int confirm = 1;                              ///< gone, quarantine_key: seen this many times before it is believed
};

struct Pagination {
    enum class Kind : std::uint8_t { none, link, next_url, page, offset, cursor };
    enum class OnMax : std::uint8_t { truncated, stuck, split };
    Kind kind = Kind::none;
    std::optional<Expression> next;               ///< next_url, cursor: where the next one stands
    Into into;                                    ///< cursor: what takes it
    bool last_id = false;                         ///< cursor: it is the last record's, and may name itself as the next
    std::optional<Expression> more;               ///< cursor: "is there more"
    Into param, size_param;                       ///< page, offset: what takes the number, and the size (empty: none)
    std::int64_t start = 1;                       ///< page: number of the first
    std::int64_t size = 0;                        ///< page, offset: records asked for per page; 0: not sent
    std::int64_t overlap = 1;                     ///< offset: records of the page before that are asked for again
    std::optional<Expression> last;               ///< page: number of the last page · offset: total of records
    std::optional<Expression> stop_when;          ///< true: the walk ends behind this page
    std::int64_t max_pages = 100'000;
    OnMax on_max = OnMax::stuck;
};

struct TextRecords {
    std::string split;  ///< regular expression with named groups; the groups are carried into the matches below it
    std::string match;  ///< regular expression with named groups: one record a match
};

/// Columns of a table with history: when a row began to hold, and when it ceased to; null: it holds.
inline constexpr const char* valid_from_column = "valid_from";
inline constexpr const char* valid_to_column = "valid_to";

struct CsvOptions {
    char delimiter = ',';
    char quote = '"';                 ///< 0: none
    std::vector<std::string> header;  ///< names of the columns; empty: they stand in the first line
    int skip = 0;                     ///< lines before the header, or before the first record where `header` is given
};

struct XmlOptions {
    std::vector<std::string> lists;  ///< elements that are an array even where there is one
};

/// What the values of records that are arrays are called.
struct RowColumns {
    std::optional<Expression> path;  ///< to the names in the document
    std::vector<std::string> names;  ///< or these
};

/// One table that a stream writes.
struct Emit {
    enum class Merge : std::uint8_t {
        overwrite,
        newest,
        fill_null,
        append,  ///< no key: every record is a row of its own, and stays
        history, ///< a row for each change of a key, from `valid_from` until `valid_to`
    };
    /// What becomes of a row that a whole walk does not show any more.
    enum class Absent : std::uint8_t {
        keep,
        mark,    ///< `_pawl_deleted_at`, until it is seen again; with history: the row ends there
        remove,  ///< it is deleted
    };
    struct Column {
        std::string name;
        Expression value;
    };
    struct Type {
        std::string field;                        ///< as in the data
        ColumnType type = ColumnType::text;
    };
    std::string table;
    std::vector<std::string> key;                 ///< empty: appended to, or replaced as a whole at each walk's end
    std::optional<Expression> each;               ///< records inside the page's records; absent: the record itself
    std::vector<Column> columns;                  ///< empty and `infer`: every field of the record
    bool infer = false;                           ///< short form
    std::vector<Type> types;                      ///< short form: columns whose type is declared; sorted by field
    Merge merge = Merge::overwrite;
    std::optional<Expression> newest;             ///< version of a row: always for Merge::newest, a time for Merge::history
    std::vector<std::string> replace_by;          ///< columns; a walk stands for the rows of the same values
    Absent absent = Absent::keep;                 ///< with `replace_by`, and nothing else said: remove; mark with history

    /// Keyless, and the rows of a partition are those of its last walk.
    [[nodiscard]] bool is_replaced_as_a_whole() const { return key.empty() && merge != Merge::append; }
    /// A walk's end takes rows away that it did not see: so it must see all that there are.
    [[nodiscard]] bool needs_whole_walks() const {
        return is_replaced_as_a_whole() || !replace_by.empty() || absent != Absent::keep;
    }
    /// Its rows know when they were seen last, and a walk's end looks for those that it did not see (storage/absence.hpp).
    [[nodiscard]] bool sweeps() const { return absent == Absent::mark || (absent == Absent::remove && replace_by.empty()); }
};

/// Numbers in steps.
struct NumberRange {
    std::string as;                               ///< what the first number of a step is called; the last one is `end`
    std::int64_t from = 0, to = 0, step = 1;      ///< `to` is the last number there is
};

struct Foreach {
    /// Values that the file itself says: a list, or a range of numbers.
    struct Factor {
        std::vector<std::string> list;            ///< JSON object text per entry; a scalar 5 with as: id is {"id": 5}
        std::optional<NumberRange> range;           ///< instead of a list
        std::string place;                        ///< where it stands in `foreach: […]`: "0", "1" …; "" : foreach is a map

        [[nodiscard]] std::int64_t size() const;
        /// Entry `index` as JSON object text.
        [[nodiscard]] std::string entry(std::int64_t index) const;
        /// Names that an entry may have.
        [[nodiscard]] std::set<std::string> names() const;
    };
    enum class Kind : std::uint8_t { once, list, stream, table };
    Kind kind = Kind::once;                       ///< once: a stream without foreach has one partition, named ""
    std::vector<Factor> factors;                  ///< list: all there is; else, each row is combined with all of them
    std::string stream;                           ///< stream: the parent stream
    std::string table;                            ///< table, or stream with table: given
    std::optional<Template> key_template;         ///< canonical text of `part`
    std::vector<std::string> key_columns;         ///< or columns; empty: the table's primary key
    std::string where, order;                     ///< SQL over the table's columns

    /// Entries of all factors combined; 1 where there are none.
    [[nodiscard]] std::int64_t entries() const;
    /// Combined entry `index`, the last factor's the quickest to change, as JSON object text.
    [[nodiscard]] std::string entry(std::int64_t index) const;
    /// True for a name of a list's or range's values.
    [[nodiscard]] bool is_listed(const std::string& name) const;
};

/// How many records a walk should find. Decides nothing about what is asked or stored.
struct Expect {
    Expression count;          ///< over parent and list alone
    double tolerance = 0.01;   ///< share of the count
    std::int64_t page_size = 0;  ///< records per page; 0: as the paginator or the query says
};

struct Stream {
    std::string name;
    Foreach foreach_;
    std::string method = "GET";
    RequestBody body;
    Template url;                                 ///< absolute: base_url + path, or url
    std::vector<std::pair<std::string, Template>> query;
    std::vector<std::pair<std::string, Template>> headers;
    bool with_credentials = true;
    Pagination paginate;
    std::optional<Incremental> incremental;       ///< absent: each walk asks for everything
    enum class Decode : std::uint8_t { json, text, jsonl, csv, xml } decode = Decode::json;
    CsvOptions csv;
    XmlOptions xml;
    std::optional<Expression> records;            ///< absent: the array that is the document, or the document
    std::optional<RowColumns> row_columns;        ///< what `records` finds are arrays
    std::string records_element;                  ///< xml: or all elements of this name
    TextRecords text_records;
    std::vector<Emit> emits;                      ///< at least one
    bool conditional = false;                     ///< etag
    bool etag_per_owner = false;                  ///< the API's validators hold for the account that was given them
    std::vector<std::string> scopes;              ///< that a key must have; empty: any key will do
    std::map<std::string, std::int64_t> cost;     ///< limit name → units a request takes; "": of every limit
    std::optional<Micros> refresh;
    std::optional<Expect> expect;                 ///< for forecasts and verify; in no hash of requests or rows
    std::string request_hash;                     ///< 64 hex digits over what decides the requests
    std::string mapping_hash;                     ///< 64 hex digits over what decides the rows
    std::shared_ptr<const JsonProjection> rows_wanted, paging_wanted;  ///< what is looked at in a page
    std::vector<std::string> parent_columns;      ///< parent.x and {x} used by this stream: what a partition must carry
    std::vector<std::string> header_names;        ///< response headers that expressions use, lower case
    bool scheduled = true;                        ///< roots of the schedule (all roots when `streams:` is absent)

    /// True where the document, when it is an array, is the list of the records: text, jsonl, csv, and the short form.
    [[nodiscard]] bool reads_elements() const;
    /// True where a record that is an array is a line or row that does not fit its columns.
    [[nodiscard]] bool has_columns() const { return decode == Decode::csv || row_columns; }
};

struct Schedule {
    std::optional<Micros> every;
    std::string cron, timezone = "UTC";           ///< five fields; IANA zone
    std::vector<std::string> streams;
};

struct SourceFile {
    enum class Drift : std::uint8_t {
        freeze,
        add_columns,
        overflow,  ///< a new field goes into `_pawl_overflow`, one jsonb of name and value
    };
    std::string name;                             ///< [a-z][a-z0-9_]*, at most 40 bytes
    std::string file;                             ///< where it was read from, for messages
    std::string base_url;
    std::optional<Credentials> credentials;
    std::optional<Auth> auth;
    std::vector<Limit> limits;
    Feedback feedback;
    std::vector<ErrorRule> errors;                ///< the file's, then the defaults
    std::vector<Stream> streams;                  ///< in file order; parents may follow children
    std::string schema;                           ///< Postgres schema of the tables
    bool create_tables = true;
    Drift drift = Drift::add_columns;
    Schedule schedule;

    [[nodiscard]] const Stream* find(std::string_view stream) const;
};

/// True where rows of this emit of `parent` become partitions of `child` (foreach: stream).
[[nodiscard]] bool feeds(const Stream& parent, const Emit& emit, const Stream& child);

}  // namespace pawl::core
