#include "collector/secret_file.hpp"

#include <fstream>

#include "core/errors.hpp"
#include "core/log.hpp"

namespace pawl::collector {

std::string read_secret_file(const std::filesystem::path& path, std::size_t bytes_max, const std::string& what) {
    using std::filesystem::perms;
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (error || !std::filesystem::exists(status))
        throw core::ConfigError(what + ": no such file: " + path.string());
    if ((status.permissions() & (perms::others_read | perms::others_write)) != perms::none)
        core::log::warn("A file with keys is open to all users, chmod 600 it", {{"file", path.string()}});
    std::ifstream in(path, std::ios::binary);
    std::string text(bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in.is_open() || in.bad() || (!in && !in.eof())) throw core::ConfigError(what + ": cannot read " + path.string());
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

}  // namespace pawl::collector
