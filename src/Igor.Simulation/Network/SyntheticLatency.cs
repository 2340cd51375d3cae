using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// A made-up internet: sites on a plane with a height of their own (the space of Vivaldi, SIGCOMM'04), whose
/// distances are then mapped, rank by rank, onto the quantiles of round-trip times measured between PlanetLab
/// hosts (median 135 ms, p10 31.6, p90 290.7, maximum about 3 s). Who is near to whom is kept; how near is
/// measured.
/// </summary>
public static class SyntheticLatency
{
    private static readonly (double Quantile, double Ms)[] Quantiles =
    [
        (0, 0.2), (0.01, 6.1), (0.05, 19.3), (0.1, 31.6), (0.2, 49.1), (0.3, 75), (0.4, 108.4), (0.5, 135),
        (0.6, 161.1), (0.7, 188.2), (0.8, 220.5), (0.9, 290.7), (0.95, 324.9), (0.98, 370.8), (0.99, 412.6),
        (0.995, 496), (0.999, 771.7), (1, 2984),
    ];

    /// <summary>Makes a model with that many sites.</summary>
    public static SiteLatency Create(SimRandom random, int sites = 300)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(sites, 2);
        float[][] matrix = Distances(random, sites);
        float[] sorted = new float[sites * (sites - 1) / 2];
        int count = 0;
        for (int i = 0; i < sites; i++)
        {
            for (int j = i + 1; j < sites; j++)
            {
                sorted[count++] = matrix[i][j];
            }
        }

        Array.Sort(sorted);
        for (int i = 0; i < sites; i++)
        {
            for (int j = i + 1; j < sites; j++)
            {
                int rank = Array.BinarySearch(sorted, matrix[i][j]);
                matrix[i][j] = matrix[j][i] = (float)AtQuantile(Math.Max(rank, 0) / (double)(count - 1));
            }
        }

        return new SiteLatency("synthetic", matrix);
    }

    private static float[][] Distances(SimRandom random, int sites)
    {
        // Five regions of different weight, as continents have; most heights are small, a few are large.
        (double X, double Y)[] regions = [(0, 0), (4, 1), (1.2, 0.6), (7, -1), (5.5, 3)];
        var places = new (double X, double Y, double Height)[sites];
        for (int i = 0; i < sites; i++)
        {
            (double x, double y) = regions[Math.Min(random.NextInt(8), regions.Length - 1)];
            places[i] = (x + random.Exponential(0.5), y + random.Exponential(0.5), random.Exponential(0.2));
        }

        var matrix = new float[sites][];
        for (int i = 0; i < sites; i++)
        {
            matrix[i] = new float[sites];
            for (int j = 0; j < i; j++)
            {
                double plane = Math.Sqrt(
                    Math.Pow(places[i].X - places[j].X, 2) + Math.Pow(places[i].Y - places[j].Y, 2));
                matrix[i][j] = matrix[j][i] = (float)(plane + places[i].Height + places[j].Height);
            }
        }

        return matrix;
    }

    private static double AtQuantile(double quantile)
    {
        int above = 1;
        while (above < Quantiles.Length - 1 && Quantiles[above].Quantile < quantile)
        {
            above++;
        }

        (double q0, double ms0) = Quantiles[above - 1];
        (double q1, double ms1) = Quantiles[above];
        return ms0 + ((ms1 - ms0) * (quantile - q0) / (q1 - q0));
    }
}
