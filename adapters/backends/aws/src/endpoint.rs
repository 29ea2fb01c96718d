//! Where the services are: region -> partition, domain and address.

/// The services that are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ec2,
    AutoScaling,
    Sts,
}

impl Service {
    /// Returns its name in addresses and signatures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::AutoScaling => "autoscaling",
            Self::Sts => "sts",
        }
    }

    /// Returns the version of its interface.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Ec2 => "2016-11-15",
            Self::AutoScaling => "2011-01-01",
            Self::Sts => "2011-06-15",
        }
    }
}

/// Partitions by the start of their regions' names; the first that fits counts. Source: botocore, `endpoints.json`.
const PARTITIONS: [(&str, &str, &str); 8] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("", "aws", "amazonaws.com"),
];

fn of(region: &str) -> (&'static str, &'static str) {
    let found = PARTITIONS.iter().find(|(start, _, _)| region.starts_with(start));
    found.map_or(("aws", "amazonaws.com"), |(_, partition, domain)| (partition, domain))
}

/// Returns the partition of a region, the second part of every ARN.
pub(crate) fn partition(region: &str) -> &'static str {
    of(region).0
}

/// Returns the address of a service in a region.
pub(crate) fn address(service: Service, region: &str) -> String {
    format!("https://{}.{region}.{}/", service.name(), of(region).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_domain() {
        for (region, partition_name, host) in [
            ("eu-central-1", "aws", "ec2.eu-central-1.amazonaws.com"),
            ("cn-north-1", "aws-cn", "ec2.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "ec2.us-gov-west-1.amazonaws.com"),
            ("us-isob-east-1", "aws-iso-b", "ec2.us-isob-east-1.sc2s.sgov.gov"),
            ("eusc-de-east-1", "aws-eusc", "ec2.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(partition(region), partition_name);
            assert_eq!(address(Service::Ec2, region), format!("https://{host}/"));
        }
    }
}
