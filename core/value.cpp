#include "core/value.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "core/instant.hpp"

namespace pawl::core {

namespace {

constexpr std::array<std::pair<std::string_view, ColumnType>, 20> type_names{{
    {"boolean", ColumnType::boolean},       {"bigint", ColumnType::bigint},
    {"numeric", ColumnType::numeric},       {"double precision", ColumnType::float8},
    {"date", ColumnType::date},             {"timestamptz", ColumnType::timestamptz},
    {"uuid", ColumnType::uuid},             {"text", ColumnType::text},
    {"jsonb", ColumnType::jsonb},           {"bool", ColumnType::boolean},
    {"int", ColumnType::bigint},            {"integer", ColumnType::bigint},
    {"int8", ColumnType::bigint},           {"decimal", ColumnType::numeric},
    {"float", ColumnType::float8},          {"double", ColumnType::float8},
    {"float8", ColumnType::float8},         {"timestamp", ColumnType::timestamptz},
    {"string", ColumnType::text},           {"json", ColumnType::jsonb},
}};

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_uuid(std::string_view t) {
    if (t.size() != 36) return false;
    for (std::size_t i = 0; i < t.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? t[i] != '-' : !is_hex(t[i])) return false;
    }
    return true;
}

bool is_integer(std::string_view t) {
    return !t.empty() && t.find_first_of(".eE") == std::string_view::npos;
}

bool fits_bigint(std::string_view t) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), value);
    return error == std::errc{} && end == t.data() + t.size();
}

/// As a double without overflow; what underflows is 0 to Postgres' float8in an error, so it does not fit either.
bool fits_double(std::string_view t) {
    double value = 0;
    const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), value);
    return error == std::errc{} && end == t.data() + t.size();
}

/// Postgres stores 1e100000 (8 bytes of text) as 100,001 digits: bound both length and exponent (docs/architecture.md).
bool fits_numeric(std::string_view t) {
    constexpr std::size_t digits_max = 400;
    constexpr int exponent_max = 308;
    if (t.size() > digits_max) return false;
    const auto e = t.find_first_of("eE");
    if (e == std::string_view::npos) return true;
    auto exponent = t.substr(e + 1);
    if (!exponent.empty() && exponent.front() == '+') exponent.remove_prefix(1);
    int value = 0;
    const auto [end, error] = std::from_chars(exponent.data(), exponent.data() + exponent.size(), value);
    return error == std::errc{} && end == exponent.data() + exponent.size() && value <= exponent_max &&
           value >= -exponent_max;
}

/// A JSON number's grammar for text that stands where a number is wanted ("12" as bigint).
bool looks_numeric(std::string_view t) {
    if (!t.empty() && t.front() == '-') t.remove_prefix(1);
    return !t.empty() && t.front() >= '0' && t.front() <= '9' &&
           t.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

}  // namespace

std::string_view to_string(ColumnType type) { return type_names[static_cast<std::size_t>(type)].first; }

std::vector<std::string> column_type_names() {
    std::vector<std::string> names;
    for (int type = 0; type <= static_cast<int>(ColumnType::jsonb); ++type)
        names.emplace_back(to_string(static_cast<ColumnType>(type)));
    return names;
}

std::optional<ColumnType> parse_column_type(std::string_view name) {
    for (const auto& [known, type] : type_names)
        if (known == name) return type;
    return std::nullopt;
}

ColumnType widen(ColumnType a, ColumnType b) {
    using enum ColumnType;
    if (a == b) return a;
    if (a > b) std::swap(a, b);
    if (a == bigint && (b == numeric || b == float8)) return numeric;  // numeric holds both exactly
    if (a == numeric && b == float8) return numeric;
    if (a == date && b == timestamptz) return timestamptz;
    if (b == jsonb) return jsonb;  // a scalar stands in jsonb as itself
    return text;
}

ColumnType infer_type(const Value& value) {
    if (value.as) return *value.as;
    switch (value.kind) {
        case Value::Kind::boolean: return ColumnType::boolean;
        case Value::Kind::number:
            if (is_integer(value.text)) return fits_bigint(value.text) ? ColumnType::bigint : ColumnType::numeric;
            // 15 significant digits survive a double; more would change the number.
            return value.text.size() <= 16 && fits_double(value.text) ? ColumnType::float8 : ColumnType::numeric;
        case Value::Kind::text:
            if (is_timestamptz(value.text)) return ColumnType::timestamptz;
            return is_uuid(value.text) ? ColumnType::uuid : ColumnType::text;
        case Value::Kind::json: return ColumnType::jsonb;
        case Value::Kind::null: break;
    }
    return ColumnType::text;
}

bool fits(const Value& value, ColumnType type) {
    using Kind = Value::Kind;
    const auto& t = value.text;
    if (value.is_null()) return true;
    switch (type) {
        case ColumnType::boolean:
            return value.kind == Kind::boolean || (value.kind == Kind::text && (t == "true" || t == "false"));
        case ColumnType::bigint:
            return (value.kind == Kind::number || value.kind == Kind::text) && is_integer(t) && fits_bigint(t);
        case ColumnType::numeric:
            return (value.kind == Kind::number || (value.kind == Kind::text && looks_numeric(t) && fits_double(t))) &&
                   fits_numeric(t);
        case ColumnType::float8:
            return (value.kind == Kind::number || (value.kind == Kind::text && looks_numeric(t))) && fits_double(t);
        case ColumnType::date: return value.kind == Kind::text && is_date(t);
        case ColumnType::timestamptz: return value.kind == Kind::text && (is_timestamptz(t) || is_date(t));
        case ColumnType::uuid: return value.kind == Kind::text && is_uuid(t);
        case ColumnType::text: return true;
        case ColumnType::jsonb: return value.kind != Kind::number || fits_numeric(t);
    }
    return false;
}

}  // namespace pawl::core
