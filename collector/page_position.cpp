#include "collector/page_position.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/errors.hpp"
#include "core/http_date.hpp"

namespace pawl::collector {

namespace {

std::optional<std::uint64_t> parse_identity(std::string_view hex) {
    std::uint64_t identity = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), identity, 16);
    if (error != std::errc() || end != hex.data() + hex.size()) return std::nullopt;
    return identity;
}

/// Cuts `text` at the first `mark`: what stands before it is returned, what stands behind it stays.
std::string_view cut(std::string_view& text, char mark) {
    const auto at = text.find(mark);
    const auto head = text.substr(0, at);
    text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
    return head;
}

bool read_identities(std::string_view list, std::vector<std::uint64_t>& identities) {
    while (!list.empty()) {
        const auto identity = parse_identity(cut(list, ','));
        if (!identity || identities.size() == PagePosition::last_max) return false;
        identities.push_back(*identity);
    }
    return true;
}

bool read_part(std::string_view name, std::string_view value, PagePosition& position) {
    if (name == "last") return read_identities(value, position.last);
    if (name == "repeated") return position.repeated = true;
    if (name == "skipped") return position.skipped = true;
    const bool is_known = name == "size" || name == "overlap" || name == "total" || name == "tries" || name == "back" || name == "reached";
    if (!is_known) return true;  // written by a newer pawl
    const auto number = core::parse_integer(value);
    if (!number || *number < 0) return false;
    if (name == "size") position.size = *number;
    if (name == "overlap") position.overlap = *number;
    if (name == "total") position.total = *number;
    if (name == "tries") position.tries = static_cast<int>(std::min<std::int64_t>(*number, 1'000));
    if (name == "back") position.back = *number;
    if (name == "reached") position.reached = *number;
    return true;
}

}  // namespace

std::string PagePosition::str() const {
    auto text = std::to_string(number);
    const auto add = [&](std::string_view name, std::int64_t value) {
        if (value != 0) text += fmt::format(";{}={}", name, value);
    };
    add("size", size);
    if (!last.empty()) text += fmt::format(";last={:016x}", fmt::join(last, ","));
    add("overlap", overlap);
    if (total) text += fmt::format(";total={}", *total);
    add("tries", tries);
    add("back", back);
    add("reached", reached);
    if (repeated) text += ";repeated";
    if (skipped) text += ";skipped";
    return text;
}

PagePosition PagePosition::parse(std::string_view text) {
    PagePosition position;
    const auto number = core::parse_integer(cut(text, ';'));
    bool good = number.has_value();
    if (good) position.number = *number;
    while (good && !text.empty()) {
        auto value = cut(text, ';');
        const auto name = cut(value, '=');
        good = read_part(name, value, position);
    }
    if (!good) throw core::PermanentError("The cursor of a numbered page is no position");
    return position;
}

}  // namespace pawl::collector
