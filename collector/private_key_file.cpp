#include "collector/private_key_file.hpp"

#include <filesystem>

#include "collector/jwt.hpp"
#include "collector/secret_file.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace {

constexpr std::size_t pem_bytes_max = 64u << 10;  // an RSA key of 4096 bits has 3 KiB

}  // namespace

core::TokenGrant with_private_key(core::TokenGrant grant, const std::string& secrets_dir) {
    if (!grant.signs()) return grant;
    if (!grant.private_key_file.empty()) {
        std::filesystem::path path = grant.private_key_file;
        if (path.is_relative() && !secrets_dir.empty()) path = secrets_dir / path;
        grant.private_key = read_secret_file(path, pem_bytes_max, "auth: jwt: private_key_file");
        core::remember_secret(grant.private_key);
    }
    check_private_key(grant.private_key);
    return grant;
}

}  // namespace pawl::collector
