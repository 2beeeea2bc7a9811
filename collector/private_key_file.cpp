#include "collector/private_key_file.hpp"

#include <filesystem>
#include <fstream>

#include "collector/jwt.hpp"
#include "core/errors.hpp"
#include "core/log.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace {

constexpr std::size_t pem_bytes_max = 64u << 10;  // an RSA key of 4096 bits has 3 KiB

void warn_if_open_to_all(const std::filesystem::path& path) {
    using std::filesystem::perms;
    std::error_code error;
    const auto open_to = std::filesystem::status(path, error).permissions() &
                         (perms::others_read | perms::others_write);
    if (!error && open_to != perms::none)
        core::log::warn("A file with a private key is open to all users, chmod 600 it",
                        {{"file", path.string()}});
}

std::string read_pem(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw core::ConfigError("auth: jwt: cannot read private_key_file " + path.string());
    std::string text(pem_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

}  // namespace

core::TokenGrant with_private_key(core::TokenGrant grant, const std::string& secrets_dir) {
    if (!grant.signs()) return grant;
    if (!grant.private_key_file.empty()) {
        std::filesystem::path path = grant.private_key_file;
        if (path.is_relative() && !secrets_dir.empty()) path = secrets_dir / path;
        warn_if_open_to_all(path);
        grant.private_key = read_pem(path);
        core::remember_secret(grant.private_key);
    }
    check_private_key(grant.private_key);
    return grant;
}

}  // namespace pawl::collector
