#include "core/expression_functions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base64.hpp"
#include "core/characters.hpp"
#include "core/clock.hpp"
#include "core/decimal.hpp"
#include "core/diagnostics.hpp"
#include "core/duration.hpp"
#include "core/identity.hpp"
#include "core/instant.hpp"
#include "core/percent_encoding.hpp"
#include "core/shown_time.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace {

using Node = Expression::Node;
using Op = Node::Op;
using ValueKind = Value::Kind;

Value time_value(std::optional<std::int64_t> time, Arena& arena) {
    if (!time || !time_in_range(*time)) return {};
    return {ValueKind::text, ColumnType::timestamptz, arena.keep(write_utc(*time))};
}

Value day_value(std::int64_t time, const date::time_zone* zone, Arena& arena) {
    return {ValueKind::text, ColumnType::date, arena.keep(write_day(time, zone))};
}

/// The time that a value is, as text in ISO 8601 or as an HTTP date.
std::optional<std::int64_t> time_of(const Value& value) {
    return value.kind == ValueKind::text ? parse_time_text(value.text, nullptr) : std::nullopt;
}

// Literal arguments, made ready when the file is loaded.

const Node* literal_argument(const Node& node, std::size_t index) {
    if (index >= node.arguments.size() || node.arguments[index]->op != Op::literal) return nullptr;
    return node.arguments[index].get();
}

/// Text that must be written out, because it is made ready once; `what` it is.
const Node& written_argument(const Node& node, std::size_t index, std::string_view what) {
    const Node* literal = literal_argument(node, index);
    if (literal == nullptr || literal->literal.kind != ValueKind::text)
        throw ExpressionError(fmt::format("{} of {}() must be written out in quotes", what, node.function->name),
                              node.arguments[index]->column);
    return *literal;
}

void prepare_zone(Node& node, std::size_t index) {
    const Node* literal = literal_argument(node, index);
    if (literal == nullptr) return;
    node.zone = find_time_zone(literal->literal_text);
    if (node.zone != nullptr) return;
    const auto hint = time_zone_hint(literal->literal_text);
    throw ExpressionError(
        fmt::format("there is no time zone '{}'{}", literal->literal_text, hint.empty() ? "" : "; " + hint),
        literal->column);
}

void prepare_format(Node& node, TimeFormat::Use use) {
    if (node.arguments.size() < 2) return;
    const Node& literal = written_argument(node, 1, "the format");
    try {
        node.format = std::make_shared<const TimeFormat>(TimeFormat::compile(literal.literal_text, use));
    } catch (const ExpressionError& error) {
        throw ExpressionError(error.what(), literal.column + 1 + error.column);
    }
    prepare_zone(node, 2);
}

void prepare_today(Node& node) { prepare_zone(node, 0); }

void prepare_parse_time(Node& node) { prepare_format(node, TimeFormat::Use::parse); }

void prepare_format_time(Node& node) {
    prepare_format(node, TimeFormat::Use::write);
    node.type = node.format->writes_number() ? ColumnType::bigint : ColumnType::text;
}

std::optional<Micros> signed_duration(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const auto duration = parse_duration(text);
    return duration && negative ? std::optional(-*duration) : duration;
}

bool is_whole_days(Micros duration) { return duration % std::chrono::hours(24) == Micros(0); }

void prepare_add(Node& node) {
    const Node* literal = literal_argument(node, 1);
    if (literal == nullptr || is_json_number(literal->literal_text)) return;
    const auto duration = signed_duration(literal->literal_text);
    if (!duration)
        throw ExpressionError(
            fmt::format("'{}' is neither a number nor a duration such as -2d or 1h30m", literal->literal_text),
            literal->column);
    node.type = is_whole_days(*duration) ? static_type_of(*node.arguments[0]) : ColumnType::timestamptz;
    if (node.type != ColumnType::date && node.type != ColumnType::timestamptz) node.type.reset();
}

void refuse_empty(const Node& node, std::size_t index, std::string_view what) {
    const Node* literal = literal_argument(node, index);
    if (literal != nullptr && literal->literal_text.empty())
        throw ExpressionError(fmt::format("{} of {}() is empty", what, node.function->name), literal->column);
}

void prepare_split(Node& node) { refuse_empty(node, 1, "the separator"); }
void prepare_replace(Node& node) { refuse_empty(node, 1, "what is to be replaced by"); }

void prepare_match(Node& node) {
    const Node& literal = written_argument(node, 1, "the pattern");
    try {
        node.pattern = std::make_shared<const Pattern>(Pattern::compile(literal.literal_text));
    } catch (const ExpressionError& error) {
        throw ExpressionError(fmt::format("not a regular expression: {}", error.what()), literal.column + 1 + error.column);
    }
}

// Time.

/// The zone that argument `index` names; UTC where it is left out, nothing where there is none of that name.
std::optional<const date::time_zone*> zone_of(const Call& call, std::size_t index) {
    if (index >= call.values.size() || call.node.zone != nullptr) return call.node.zone;
    const auto* zone = find_time_zone(std::string(call.values[index].text));
    return zone == nullptr ? std::nullopt : std::optional(zone);
}

Value apply_now(const Call& call) { return time_value(call.scope.now, call.arena()); }

Value apply_today(const Call& call) {
    const auto zone = zone_of(call, 0);
    if (!zone || !call.scope.now || !time_in_range(*call.scope.now)) return {};
    return day_value(*call.scope.now, *zone, call.arena());
}

Value apply_parse_time(const Call& call) {
    const auto zone = zone_of(call, 2);
    const Value& text = call.values[0];
    if (!zone || !is_plain(text)) return {};
    if (!call.node.format) return time_value(time_of(text), call.arena());
    return time_value(call.node.format->parse(text.text, *zone), call.arena());
}

Value apply_format_time(const Call& call) {
    const auto zone = zone_of(call, 2);
    const auto time = time_of(call.values[0]);
    if (!zone || !time) return {};
    const bool number = call.node.format->writes_number();
    return {number ? ValueKind::number : ValueKind::text, std::nullopt, call.arena().keep(call.node.format->write(*time, *zone))};
}

Value apply_epoch(const Call& call) {
    const auto time = time_of(call.values[0]);
    if (!time) return {};
    return number_value(*time / 1'000'000 - (*time % 1'000'000 < 0 ? 1 : 0), call.arena());
}

/// A date stays one as long as whole days are added.
Value time_later(const Value& begin, Micros duration, Arena& arena) {
    const auto time = time_of(begin);
    if (!time) return {};
    const std::int64_t later = *time + duration.count();  // 100 years at most: far from the ends of 64 bits
    if (!is_date(begin.text) || !is_whole_days(duration)) return time_value(later, arena);
    return time_in_range(later) ? day_value(later, nullptr, arena) : Value{};
}

Value apply_add(const Call& call) {
    const Value &a = call.values[0], &b = call.values[1];
    if (!is_plain(a) || !is_plain(b)) return {};
    if (auto sum = add_numbers(a.text, b.text))
        return {ValueKind::number, std::nullopt, call.arena().keep(std::move(*sum))};
    const auto duration = signed_duration(b.text);
    return duration ? time_later(a, *duration, call.arena()) : Value{};
}

// Text.

Value apply_lower(const Call& call) {
    const Value& value = call.values[0];
    return value.kind == ValueKind::text ? text_value(lower(value.text), call.arena()) : value;
}

Value apply_upper(const Call& call) {
    const Value& value = call.values[0];
    return value.kind == ValueKind::text ? text_value(upper(value.text), call.arena()) : value;
}

Value apply_trim(const Call& call) {
    const Value& value = call.values[0];
    return value.kind == ValueKind::text ? Value{ValueKind::text, std::nullopt, trimmed(value.text)} : value;
}

/// Part `index` of the parts of `text`; from the end where it is negative.
std::optional<std::string_view> part_of(std::string_view text, std::string_view separator, std::int64_t index) {
    const auto from_end = index < 0;
    auto skip = from_end ? -(index + 1) : index;
    for (; !from_end && skip > 0; --skip) {
        const auto at = text.find(separator);
        if (at == std::string_view::npos) return std::nullopt;
        text.remove_prefix(at + separator.size());
    }
    for (; from_end && skip > 0; --skip) {
        const auto at = text.rfind(separator);
        if (at == std::string_view::npos) return std::nullopt;
        text = text.substr(0, at);
    }
    if (!from_end) return text.substr(0, text.find(separator));
    const auto at = text.rfind(separator);
    return at == std::string_view::npos ? text : text.substr(at + separator.size());
}

Value apply_split(const Call& call) {
    std::string_view text = call.values[0].text;
    const std::string_view separator = call.values[1].text;
    if (separator.empty()) return {};
    if (!call.node.steps.empty()) {
        const auto part = text.empty() ? std::nullopt : part_of(text, separator, call.node.steps[0].index);
        return part ? text_value(std::string(*part), call.arena()) : Value{};
    }
    std::string json = "[";
    while (!text.empty()) {
        const auto at = text.find(separator);
        json += quote_json(text.substr(0, at));
        json += ',';
        if (json.size() > made_bytes_max) return {};
        if (at == std::string_view::npos) break;
        text.remove_prefix(at + separator.size());
        if (text.empty()) json += "\"\",";
    }
    if (json.back() == ',') json.pop_back();
    json += ']';
    return {ValueKind::json, std::nullopt, call.arena().keep(std::move(json))};
}

Value apply_replace(const Call& call) {
    std::string_view text = call.values[0].text;
    const std::string_view from = call.values[1].text, to = call.values[2].text;
    if (from.empty()) return text_value(std::string(text), call.arena());
    std::string out;
    for (;;) {
        const auto at = text.find(from);
        out += text.substr(0, at);
        if (at == std::string_view::npos || out.size() > made_bytes_max) break;
        out += to;
        text.remove_prefix(at + from.size());
    }
    return made_text(std::move(out), call.arena());
}

Value apply_match(const Call& call) {
    auto found = call.node.pattern->find(call.values[0].text);
    return found ? text_value(std::move(*found), call.arena()) : Value{};
}

Value apply_sha256(const Call& call) { return text_value(sha256_hex(call.values[0].text), call.arena()); }

Value apply_base64(const Call& call) {
    const auto text = call.values[0].text;
    return text.size() > made_bytes_max ? Value{} : made_text(base64(text), call.arena());
}

Value apply_url_encode(const Call& call) {
    const auto text = call.values[0].text;
    return text.size() > made_bytes_max ? Value{} : made_text(percent_encoded(text), call.arena());
}

constexpr auto as_text = ColumnType::text;
constexpr std::size_t many = 16;
constexpr std::array<Function, 20> functions{{
    {"now", Op::call, 0, 0, "now()", ColumnType::timestamptz, apply_now},
    {"today", Op::call, 0, 1, "today(zone)", ColumnType::date, apply_today, prepare_today},
    {"parse_time", Op::call, 1, 3, "parse_time(text, format, zone)", ColumnType::timestamptz, apply_parse_time, prepare_parse_time},
    {"format_time", Op::call, 2, 3, "format_time(time, format, zone)", as_text, apply_format_time, prepare_format_time},
    {"epoch", Op::call, 1, 1, "epoch(time)", ColumnType::bigint, apply_epoch},
    {"add", Op::call, 2, 2, "add(number, number) or add(time, duration)", {}, apply_add, prepare_add},
    {"count", Op::count, 1, 1, "count($.items)", ColumnType::bigint},
    {"entries", Op::entries, 1, 1, "entries($)"},
    {"lower", Op::call, 1, 1, "lower(text)", as_text, apply_lower},
    {"upper", Op::call, 1, 1, "upper(text)", as_text, apply_upper},
    {"trim", Op::call, 1, 1, "trim(text)", as_text, apply_trim},
    {"split", Op::call, 2, 2, "split(text, separator)", ColumnType::jsonb, apply_split, prepare_split},
    {"join", Op::join, 2, 2, "join($.items, separator)", as_text},
    {"replace", Op::call, 3, 3, "replace(text, from, to)", as_text, apply_replace, prepare_replace},
    {"match", Op::call, 2, 2, "match(text, pattern)", as_text, apply_match, prepare_match},
    {"sha256", Op::call, 1, 1, "sha256(text)", as_text, apply_sha256},
    {"base64", Op::call, 1, 1, "base64(text)", as_text, apply_base64},
    {"url_encode", Op::call, 1, 1, "url_encode(text)", as_text, apply_url_encode},
    {"coalesce", Op::coalesce, 1, many, "coalesce(a, b, …)"},
    {"if", Op::choose, 2, 3, "if(condition, then, else)"},
}};

}  // namespace

std::span<const Function> expression_functions() { return functions; }

Value boolean_value(bool value) { return {ValueKind::boolean, std::nullopt, value ? "true" : "false"}; }

Value number_value(std::int64_t number, Arena& arena) {
    return {ValueKind::number, std::nullopt, arena.keep(std::to_string(number))};
}

Value text_value(std::string text, Arena& arena) {
    return {ValueKind::text, std::nullopt, arena.keep(std::move(text))};
}

Value made_text(std::string text, Arena& arena) {
    return text.size() > made_bytes_max ? Value{} : text_value(std::move(text), arena);
}

}  // namespace pawl::core
