#include "tests/replica/pagination.hpp"

#include <algorithm>
#include <charconv>

namespace pawl::replica {
namespace {

constexpr std::uint64_t size_default = 30, size_max = 100;  // GitHub REST: per_page

std::string decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
                text.data() + i + 3) {
            out += static_cast<char>(value);
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string encode(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || std::string_view("-._~").find(c) != std::string_view::npos)
            out += c;
        else
            out.append({'%', hex[byte >> 4], hex[byte & 15]});
    }
    return out;
}

std::optional<std::uint64_t> number(const Query& query, std::string_view name) {
    auto text = find(query, name);
    std::uint64_t value = 0;
    if (!text ||
        std::from_chars(text->data(), text->data() + text->size(), value).ptr !=
            text->data() + text->size() ||
        value == 0)
        return std::nullopt;
    return value;
}

std::string link(std::string_view url, const Query& query, std::uint64_t page,
                 std::string_view relation) {
    std::string out = "<" + std::string(url);
    char separator = '?';
    bool placed = false;
    auto put = [&](std::string_view name, std::string_view value) {
        out += separator + encode(name) + "=" + encode(value);
        separator = '&';
    };
    for (const auto& [name, value] : query) {
        put(name, name == "page" ? std::to_string(page) : value);
        placed = placed || name == "page";
    }
    if (!placed) put("page", std::to_string(page));
    return out + ">; rel=\"" + std::string(relation) + "\"";
}

}  // namespace

Query parse_query(std::string_view text) {
    Query query;
    while (!text.empty()) {
        auto part = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        auto equals = part.find('=');
        if (!part.empty())
            query.emplace_back(
                decode(part.substr(0, equals)),
                equals == std::string_view::npos ? "" : decode(part.substr(equals + 1)));
    }
    return query;
}

std::optional<std::string> find(const Query& query, std::string_view name) {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return std::nullopt;
}

Page parse_page(const Query& query) {
    return {number(query, "page").value_or(1),
            std::min(number(query, "per_page").value_or(size_default), size_max)};
}

std::uint64_t last_page(std::uint64_t records, std::uint64_t size) {
    return (records + size - 1) / size;
}

std::string link_header(std::string_view url, const Query& query, std::uint64_t page,
                        std::uint64_t last) {
    std::string header;
    auto add = [&](std::uint64_t target, std::string_view relation) {
        if (!header.empty()) header += ", ";
        header += link(url, query, target, relation);
    };
    if (last > 1 && page > 1) add(std::min(page - 1, last), "prev");
    if (page < last) {
        add(page + 1, "next");
        add(last, "last");
    }
    if (last > 1 && page > 1) add(1, "first");
    return header;
}

}  // namespace pawl::replica
