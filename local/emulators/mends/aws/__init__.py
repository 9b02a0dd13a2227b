"""What AWS refuses, delays or does only once and moto does not: a layer in front of moto's own answers, each part of it as the AWS
page that it cites. All of it is how AWS behaves when nothing is wrong. Time passes in looks, see `looks`."""
