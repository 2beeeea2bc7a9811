#include "core/pattern.hpp"

#include <boost/regex.hpp>

#include "core/expression.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace {

constexpr std::size_t searched_bytes_max = 64u << 10;  // steps grow with the square of it

}  // namespace

struct Pattern::Compiled {
    boost::regex expression;
};

Pattern Pattern::compile(const std::string& text) {
    try {
        Pattern pattern;
        pattern.compiled_ = std::make_shared<const Compiled>(Compiled{boost::regex(text, boost::regex::perl)});
        return pattern;
    } catch (const boost::regex_error& error) {
        // The library appends where it stopped; our position says that better.
        std::string reason = error.what();
        reason.resize(std::min(reason.find("  The error occurred"), reason.size()));
        if (reason.ends_with('.')) reason.pop_back();
        throw ExpressionError(reason, error.position() > 0 ? static_cast<std::size_t>(error.position()) : 0);
    }
}

std::optional<std::string> Pattern::find(std::string_view text) const {
    text = text.substr(0, searched_bytes_max);
    boost::cmatch found;
    try {
        if (!boost::regex_search(text.data(), text.data() + text.size(), found, compiled_->expression))
            return std::nullopt;
    } catch (const std::runtime_error&) {  // boost::regex gives up on patterns that backtrack too much
        return std::nullopt;
    }
    const auto& group = found[found.size() > 1 ? 1 : 0];
    if (!group.matched) return std::nullopt;
    std::string taken = group.str();
    return is_utf8(taken) ? taken : repair_utf8(taken);  // `.` is a byte
}

}  // namespace pawl::core
