#include "core/time_zone.hpp"

#include <date/tz.h>

#include "core/diagnostics.hpp"

namespace pawl::core {

const date::time_zone* find_time_zone(const std::string& name) {
    try {
        return date::locate_zone(name);
    } catch (const std::runtime_error&) {
        return nullptr;
    }
}

std::string time_zone_hint(const std::string& name) {
    try {
        std::vector<std::string> names;
        for (const auto& zone : date::get_tzdb().zones) names.push_back(zone.name());
        return did_you_mean(name, names);
    } catch (const std::runtime_error&) {  // no database on this machine
        return "";
    }
}

}  // namespace pawl::core
