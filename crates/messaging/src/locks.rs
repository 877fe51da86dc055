//! The advisory locks of a service's database, each with its number and in one place.

/// To the end of a transaction its statements keep the plans that their connection has for them. Else the server would plan
/// each anew for its values, which is dearer than what it then does; of rows by their keys, which are all that is read here,
/// there is one plan for all values.
macro_rules! planned_once {
    () => {
        "SET LOCAL plan_cache_mode = force_generic_plan"
    };
}
pub(crate) use planned_once;

macro_rules! locks {
    ($($(#[$doc:meta])* $lock:ident = $key:literal,)+) => {
        /// What a connection or a transaction can hold alone in a service's database.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AdvisoryLock {
            $($(#[$doc])* $lock = $key,)+
        }

        impl AdvisoryLock {
            /// Its number, as `pg_locks.objid` has it.
            pub const fn key(self) -> i64 {
                match self {
                    $(Self::$lock => $key,)+
                }
            }

            /// Waits for it, to the end of the transaction.
            pub const fn hold(self) -> &'static str {
                match self {
                    $(Self::$lock => concat!("SELECT pg_advisory_xact_lock(", $key, ")"),)+
                }
            }

            /// Waits for it, to the end of the transaction, and then reads the row of the log's head: the second statement sees
            /// what the lock's last holder committed.
            pub(crate) const fn hold_and_look(self) -> &'static str {
                match self {
                    $(Self::$lock => concat!(
                        "SELECT pg_advisory_xact_lock(", $key, ");
                         SELECT xmin::text::bigint AS written_by, epoch, position, last_time, partition_positions,
                                (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + clock_offset AS now
                           FROM pipeline.log_head"
                    ),)+
                }
            }

            /// Asks for it, to the end of the session; whether it was had.
            pub const fn ask(self) -> &'static str {
                match self {
                    $(Self::$lock => concat!("SELECT pg_try_advisory_lock(", $key, ")"),)+
                }
            }

        }
    };
}

locks! {
    /// The writer lock: the log, with all states that are its fold.
    Log = 74_617_201,
    /// The writer lock of read models, which have no log.
    ReadModels = 74_617_202,
    /// Who has it leads: it relays, and runs timers and jobs.
    Leader = 74_617_203,
    /// One replay at a time.
    Replay = 74_617_204,
    /// The tables that a replay makes beside the live ones.
    Rebuild = 74_617_205,
    /// Processes that start together migrate one after the other.
    Migrations = 74_617_206,
    /// Those who make a table's next partitions, one after the other.
    TablePartitions = 74_617_210,
}
