#include "storage/identifier.hpp"

#include "core/errors.hpp"
#include "core/identity.hpp"

namespace pawl::storage {
namespace {

constexpr std::size_t name_max =
    63;  // NAMEDATALEN - 1: Postgres cuts what is longer, and names then collide
constexpr std::size_t kept_bytes = 54;  // + "_" + 8 hex digits = 63

std::string quote(std::string_view text, char mark) {
    std::string quoted(1, mark);
    for (const char c : text) {
        if (c == '\0') throw core::PermanentError("a NUL byte cannot be part of SQL");
        if (c == mark) quoted += mark;
        quoted += c;
    }
    return quoted += mark;
}

}  // namespace

std::string physical_name(std::string_view name) {
    if (name.size() <= name_max) return std::string(name);
    std::size_t end = kept_bytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;
    return std::string(name.substr(0, end)) + "_" + core::sha256_hex(name).substr(0, 8);
}

std::string quote_identifier(std::string_view name) { return quote(physical_name(name), '"'); }

std::string quote_table(std::string_view schema, std::string_view table) {
    return quote_identifier(schema) + "." + quote_identifier(table);
}

std::string quote_literal(std::string_view text) {
    if (text.find('\\') == std::string_view::npos) return quote(text, '\'');
    std::string escaped;
    for (const char c : text) {
        if (c == '\\') escaped += '\\';
        escaped += c;
    }
    return " E" + quote(escaped, '\'');
}

}  // namespace pawl::storage
