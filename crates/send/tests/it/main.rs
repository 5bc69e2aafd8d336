//! The ways out against peers that do as a script says.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod challenges;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod dummy;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod login;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod reuse;
#[cfg(test)]
mod sendmail;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod trouble;
