#include "app/slot.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/errors.hpp"

namespace pawl::app {

namespace fs = std::filesystem;

namespace {

constexpr int slots_max =
    256;  // processes of one state directory; a bound on the search, not on the design

std::string host_name() {
    char name[256]{};
    if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
    return name;
}

/// Two state directories on one host must not share names: part of the directory's identity goes
/// into the name.
std::string directory_mark(const std::string& folder) {
    std::error_code error;
    const auto canonical = fs::canonical(folder, error);
    const std::size_t hash = std::hash<std::string>{}(error ? folder : canonical.string());
    constexpr const char* hex = "0123456789abcdef";
    std::string mark;
    for (int shift = 0; shift < 24; shift += 4) mark += hex[(hash >> shift) & 15];
    return mark;
}

}  // namespace

Slot Slot::take(const std::string& state_dir, const std::string& name) {
    const std::string folder = state_dir + "/slots";
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw core::ConfigError("cannot create " + folder + ": " + error.message());
    if (!name.empty()) {
        if (name.find('/') != std::string::npos)
            throw core::ConfigError("slot: a name has no '/': " + name);
        auto lock = FileLock::try_lock(folder + "/" + name + ".lock", FileLock::Kind::exclusive);
        if (!lock)
            throw core::ConfigError("slot: '" + name + "' is in use by another pawl of " +
                                    state_dir);
        return {name, std::move(*lock)};
    }
    for (int number = 1; number <= slots_max; ++number) {
        const std::string file = "slot-" + std::to_string(number);
        auto lock = FileLock::try_lock(folder + "/" + file + ".lock", FileLock::Kind::exclusive);
        if (lock)
            return {host_name() + "-" + directory_mark(folder) + "-" + file, std::move(*lock)};
    }
    throw core::ConfigError("all " + std::to_string(slots_max) + " slots of " + state_dir +
                            " are in use");
}

}  // namespace pawl::app
