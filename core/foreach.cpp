#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/source_file.hpp"

namespace pawl::core {

std::int64_t Foreach::Factor::size() const {
    if (!range) return static_cast<std::int64_t>(list.size());
    return range->to < range->from ? 0 : (range->to - range->from) / range->step + 1;
}

std::string Foreach::Factor::entry(std::int64_t index) const {
    if (!range) return list[static_cast<std::size_t>(index)];
    const std::int64_t first = range->from + index * range->step;
    const std::int64_t last = std::min(range->to, first + range->step - 1);
    return "{\"" + range->as + "\": " + std::to_string(first) + ", \"end\": " + std::to_string(last) + "}";
}

std::set<std::string> Foreach::Factor::names() const {
    if (range) return {range->as, "end"};
    std::set<std::string> names;
    for (const std::string& text : list) {
        const auto json = nlohmann::json::parse(text, nullptr, false);
        for (const auto& [name, value] : json.items()) names.insert(name);
    }
    return names;
}

std::int64_t Foreach::entries() const {
    std::int64_t product = 1;
    for (const Factor& factor : factors)
        if (__builtin_mul_overflow(product, factor.size(), &product)) return std::numeric_limits<std::int64_t>::max();
    return product;
}

std::string Foreach::entry(std::int64_t index) const {
    std::string combined;
    for (auto factor = factors.rbegin(); factor != factors.rend(); ++factor) {
        const std::string one = factor->entry(index % factor->size());
        index /= factor->size();
        // Put together as text: numbers keep their digits.
        combined = combined.empty() ? one : one.substr(0, one.size() - 1) + ", " + combined.substr(1);
    }
    return combined.empty() ? "{}" : combined;
}

bool Foreach::is_listed(const std::string& name) const {
    return std::any_of(factors.begin(), factors.end(), [&](const Factor& factor) { return factor.names().contains(name); });
}

}  // namespace pawl::core
