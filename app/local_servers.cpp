#include "app/local_servers.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/errors.hpp"
#include "core/identity.hpp"
#include "core/log.hpp"

namespace pawl::app {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds lock_wait_max{400};  // longer than the slowest start of a server
constexpr std::size_t socket_path_max = 100;        // sockaddr_un takes 107 bytes

/// Makes `path` a folder of ours with `mode`. Refuses what someone else put there (a folder in /tmp
/// has a name that can be guessed).
void private_folder(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        throw core::ConfigError("cannot create " + path + ": " + std::strerror(errno));
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) ||
        found.st_uid != ::geteuid())
        throw core::ConfigError(path + " is there already and belongs to someone else");
    if (::chmod(path.c_str(), mode) != 0)
        throw core::ConfigError("cannot set the mode of " + path + ": " + std::strerror(errno));
}

/// Where the sockets are: beside the data, or in /tmp where that path is too long for a socket.
std::string socket_root(const std::string& folder) {
    const std::string beside = folder + "/run";
    if (beside.size() + sizeof "/postgres/.s.PGSQL.5432" <= socket_path_max) return beside;
    return "/tmp/pawl-" + std::to_string(::geteuid()) + "-" +
           core::sha256_hex(folder).substr(0, 12);
}

/// As root the server's user must be able to pass through; what lies inside has modes of its own.
mode_t passage_mode() { return ::geteuid() == 0 ? 0711 : 0700; }

}  // namespace

LocalNeeds local_needs(const core::Settings& settings,
                       const std::map<std::string, std::string>& environment) {
    if (settings.local) return {true, true};
    // The variables by which libpq learns where to connect. PGDATA or PG_MAJOR of a server's
    // container say nothing.
    constexpr std::array<const char*, 9> places{"PGHOST",     "PGHOSTADDR", "PGPORT",
                                                "PGDATABASE", "PGUSER",     "PGPASSWORD",
                                                "PGPASSFILE", "PGSERVICE",  "PGSERVICEFILE"};
    bool told = !settings.postgres.url.empty();
    for (const auto* name : places) told = told || environment.contains(name);
    return {settings.redis.url.empty(), !told};
}

LocalServers::LocalServers(const std::string& state_dir, LocalNeeds needs) {
    if (!needs.redis && !needs.postgres) return;
    const auto account = needs.postgres ? postgres_account() : std::nullopt;
    std::error_code error;
    fs::create_directories(state_dir, error);
    if (error)
        throw core::ConfigError("cannot create the state directory " + state_dir + ": " +
                                error.message());
    const std::string root = fs::canonical(state_dir).string();
    if (account && ::chmod(root.c_str(), 0711) != 0)
        throw core::ConfigError("cannot set the mode of " + root + ": " + std::strerror(errno));
    folder_ = root + "/local";
    private_folder(folder_, passage_mode());
    const std::string sockets = socket_root(folder_);
    private_folder(sockets, passage_mode());

    const auto starting =
        FileLock::lock(folder_ + "/lock", FileLock::Kind::exclusive, lock_wait_max);
    user_ = FileLock::lock(folder_ + "/users", FileLock::Kind::shared, lock_wait_max);
    try {
        if (needs.redis) {
            redis_ = std::make_unique<LocalRedis>(folder_ + "/redis", sockets);
            redis_->start();
        }
        if (needs.postgres) {
            const std::string folder = sockets + "/postgres";
            fs::create_directories(folder);
            fs::permissions(folder, fs::perms::owner_all);
            if (account && ::chown(folder.c_str(), account->uid, account->gid) != 0)
                throw core::ConfigError("cannot give " + folder + " to the user postgres");
            postgres_ = std::make_unique<LocalPostgres>(folder_ + "/postgres", folder, account);
            postgres_->start();
        }
    } catch (...) {
        user_.reset();
        // What did start is stopped unless others use it: this command leaves nothing behind.
        if (FileLock::try_lock(folder_ + "/users", FileLock::Kind::exclusive)) {
            if (postgres_) postgres_->stop_soon();
            if (redis_) redis_->stop_soon();
        }
        throw;
    }
    core::log::debug("Local servers are up", {{"folder", folder_}});
}

void LocalServers::apply_to(core::Settings& settings) const {
    if (redis_) settings.redis.url = redis_->url();
    if (postgres_) settings.postgres.url = postgres_->url();
}

void LocalServers::leave(Stop how) {
    if (!user_) return;
    const auto stopping =
        FileLock::lock(folder_ + "/lock", FileLock::Kind::exclusive, lock_wait_max);
    user_.reset();
    // Every other user holds it shared; whoever gets it alone is the last.
    if (!FileLock::try_lock(folder_ + "/users", FileLock::Kind::exclusive)) return;
    LocalRedis all_redis = redis_ ? *redis_ : LocalRedis(folder_ + "/redis", socket_root(folder_));
    LocalPostgres all_postgres =
        postgres_ ? *postgres_
                  : LocalPostgres(folder_ + "/postgres", socket_root(folder_) + "/postgres",
                                  std::nullopt);
    all_postgres.stop_soon();
    all_redis.stop_soon();
    if (how == Stop::at_once) return;
    all_postgres.stop();
    all_redis.stop();
    core::log::debug("Local servers are stopped", {{"folder", folder_}});
}

void LocalServers::leave_at_once() { leave(Stop::at_once); }

LocalServers::~LocalServers() {
    try {
        leave(Stop::wait);
    } catch (const std::exception& error) {
        core::log::warn("Local servers may still run",
                        {{"folder", folder_}, {"reason", error.what()}});
    }
}

}  // namespace pawl::app
